-- Commands of a process that does not lead, on their way to the one that does, and what came of them.
--
-- A row holds what an envelope holds: sealed values, digests and hashes. It goes with its answer.

create table handed_over (
    id        uuid primary key,
    -- Text: the proof is of these bytes.
    envelope  text not null,
    -- A keyed digest: whoever can write here and has no key ring hands nothing over.
    proof     uuid not null,
    taken     boolean not null default false,
    outcome   json,
    handed_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50);
