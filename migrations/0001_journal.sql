-- The journal: what happened, in one dense order, for ever.
--
-- The first seven columns are postgres-es', so that a stock PersistedEventStore can read the table; text compares as
-- bytes ("C"), because ids and type names are ASCII and byte order is what an index is fastest at.

create table events (
    aggregate_type text collate "C" not null,
    aggregate_id   text collate "C" not null,
    sequence       bigint not null check (sequence >= 1),
    event_type     text collate "C" not null,
    event_version  text collate "C" not null,
    -- json, not jsonb: the bytes that are hashed stay the bytes that are stored.
    payload        json not null,
    metadata       json not null,
    -- 1, 2, 3, … without a gap, in commit order. The relay makes it the message's sequence in the stream.
    position       bigint primary key check (position >= 1),
    event_id       uuid not null,
    -- The user it belongs to.
    owner          uuid not null,
    recorded_at    timestamptz not null,
    -- The column that tells rows apart comes first: every comparison in the index ends with it.
    unique (aggregate_id, sequence, aggregate_type)
);

-- Whose aggregates there are: one entry each, whatever their history. Own events are merged from those histories
-- (`0003_own_events.sql`), which costs the reader a little and each write nothing.
create index aggregates_by_owner on events (owner) where sequence = 1;

-- One row: where the journal ends and who may write. Every batch moves it, so two writers cannot both.
create table journal_head (
    only_row   boolean primary key default true check (only_row),
    journal_id uuid not null default gen_random_uuid(),
    position   bigint not null default 0,
    batch      bigint not null default 0,
    epoch      bigint not null default 0,
    leader     text not null default '',
    beat       timestamptz not null default '-infinity',
    -- When the last event was recorded: time does not run backwards across a change of leader.
    recorded_at timestamptz not null default '-infinity',
    -- Set when stream and journal have parted ways: then nobody leads until a person decides.
    halted     text
) with (fillfactor = 10);
insert into journal_head default values;

-- One row per command that carried a key. Never a body: a repeat is rendered from its events again.
create table commands (
    -- HMAC of principal and key.
    key         uuid primary key,
    -- HMAC of the request, so that the same key with another request is noticed.
    fingerprint uuid not null,
    -- First event's position; for a refusal, the head it was decided at.
    position    bigint not null,
    events      integer not null check (events >= 0),
    -- What was refused, with the facts.
    refusal     json
) with (fillfactor = 100);

-- What only one may have: an e-mail address, a username. Personal values stand here as keyed HMACs.
create table claims (
    kind   text collate "C" not null,
    digest uuid not null,
    owner  uuid not null,
    primary key (kind, digest)
);
create index claims_by_owner on claims (owner);

-- What events must never hold: password hashes, wrapped data keys. Mutable and erasable.
create table secrets (
    owner   uuid not null,
    kind    text collate "C" not null,
    name    text collate "C" not null default '',
    version bigint not null default 1,
    value   bytea not null,
    primary key (owner, kind, name)
);

-- A cache of states. Deleting every row changes nothing but the next first load.
create table snapshots (
    aggregate_type text collate "C" not null,
    aggregate_id   text collate "C" not null,
    sequence       bigint not null,
    schema_version integer not null,
    state          json not null,
    primary key (aggregate_type, aggregate_id)
);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the journal is append-only: % on % is refused', tg_op, tg_table_name
        using errcode = 'CF009';
end $$;

create trigger events_are_final before update or delete on events
    for each row execute function refuse_change();
create trigger events_are_not_truncated before truncate on events
    for each statement execute function refuse_change();
