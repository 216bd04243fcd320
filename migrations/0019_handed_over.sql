-- Commands of a process that does not lead, on their way to the one that does, and what came of them.
--
-- A row holds what an envelope holds: sealed values, digests and hashes. It goes with its answer. It is a conversation and
-- no record: unlogged, so that it waits for no disk, stands in no log and no backup, and a database that broke down comes
-- back without any of it. So nothing that was taken can come back as not taken.

create unlogged table handed_over (
    id        uuid primary key,
    -- Text: the proof is of these bytes.
    envelope  text not null,
    -- A keyed digest of the envelope, then of the outcome: whoever can write here and has no key ring hands nothing over,
    -- and answers nothing.
    proof     uuid not null,
    taken     boolean not null default false,
    outcome   text,
    handed_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50);

-- What waits is found without a look at what is answered, or dead and not yet swept away.
create index handed_over_waiting on handed_over (handed_at) where not taken;
