-- Wrong passwords in a row, once they are too many to be free: a restart does not forgive them, and every node knows.
--
-- A row is written with the failure that makes further ones cost time, and goes with the next right password, a reset or
-- an unlocking. Names that nobody has are counted like those of users, or the counting would tell who exists.
create table sign_in_failures (
    -- Of a user; of a name that nobody has, the digest it would be claimed under.
    id       uuid primary key,
    failures integer not null,
    last_at  timestamptz not null
);
create index sign_in_failures_last_at on sign_in_failures (last_at);
