-- The read side: tables that are folded from the journal and can be folded again at any time.
--
-- Rows and the checkpoint they belong to move in one transaction, so a reader that sees both in one statement knows
-- exactly which events it sees.

create table projection_checkpoints (
    name       text collate "C" primary key,
    -- Which build of the tables it is: a rebuild makes the next one.
    generation bigint not null default 1,
    -- Every event up to here is in the tables, and none after.
    position   bigint not null default 0,
    -- Of the code that folded it. Other code does not touch it.
    version    integer not null,
    -- Why it does not go on, if so.
    failure    text,
    updated_at timestamptz not null default now()
) with (fillfactor = 10);
-- Whoever adds a read model adds its row.
insert into projection_checkpoints (name, version) values ('profiles', 1), ('wallets', 1), ('transactions', 1);

-- Plain values of personal data: rows that erasing a user deletes.
create table profiles (
    user_id        uuid primary key,
    -- Nothing where the key they were sealed with is destroyed.
    username       text,
    email          text,
    name           text,
    status         text collate "C" not null,
    roles          text[] not null,
    email_verified boolean not null,
    last_login_at  timestamptz,
    login_count    bigint not null,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    version        bigint not null,
    position       bigint not null
) with (fillfactor = 80);

-- Amounts are numeric without a fixed scale: exact, summable, and read back with the decimals they were written with.
create table wallets (
    wallet_id uuid primary key,
    user_id   uuid not null,
    currency  text collate "C" not null,
    posted    numeric not null,
    held      numeric not null,
    available numeric not null,
    status    text collate "C" not null,
    version   bigint not null,
    position  bigint not null
) with (fillfactor = 70);
create index wallets_by_user on wallets (user_id, currency);

-- What each hold has come to; its id is "<wallet_id>.<sequence>", of the event that placed it.
create table holds (
    wallet_id  uuid not null,
    sequence   bigint not null,
    user_id    uuid not null,
    currency   text collate "C" not null,
    amount     numeric not null,
    captured   numeric not null,
    released   numeric not null,
    remaining  numeric not null,
    status     text collate "C" not null,
    reference  text,
    placed_at  timestamptz not null,
    expires_at timestamptz not null,
    -- When most of its lease has gone by, and nobody has renewed it.
    stale_at   timestamptz not null,
    -- Of its last event.
    version    bigint not null,
    position   bigint not null,
    event_id   uuid not null,
    changed_at timestamptz not null,
    primary key (wallet_id, sequence)
) with (fillfactor = 70);
create index holds_by_expiry on holds (expires_at) where status = 'active';
create index holds_active on holds (wallet_id, sequence) where status = 'active';

-- One row per movement; its id is "<wallet_id>.<sequence>". A capture has a row too, and is not listed: its hold is.
create table transactions (
    wallet_id       uuid not null,
    sequence        bigint not null,
    position        bigint not null,
    type            text collate "C" not null,
    status          text collate "C" not null,
    amount          numeric not null,
    currency        text collate "C" not null,
    posted_after    numeric not null,
    available_after numeric not null,
    reference       text,
    hold_id         text collate "C",
    counterparty    text collate "C",
    -- The transaction that this one undoes.
    reverses        text collate "C",
    -- Whether it is posted into the wallet or out of it; neither, if it posts nothing by itself.
    is_credit       boolean,
    recorded_at     timestamptz not null,
    primary key (wallet_id, sequence)
);
