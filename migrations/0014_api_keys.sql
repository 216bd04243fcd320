-- API keys: the list that their owners read, when each was last used, and finding who holds one.

insert into projection_checkpoints (name, version) values ('api_keys', 1);

create table api_keys (
    key_id         uuid primary key,
    user_id        uuid not null,
    -- Nothing where the key it was sealed with is destroyed, and so are the networks.
    name           text,
    scopes         text[] not null,
    is_active      boolean not null,
    expires_at     timestamptz not null,
    -- None means everywhere.
    cidrs          text[],
    -- How long the secret before the newest is good.
    previous_until timestamptz,
    created_at     timestamptz not null,
    version        bigint not null,
    position       bigint not null
) with (fillfactor = 80);
create index api_keys_by_user on api_keys (user_id, key_id);

-- No event and no part of a generation: noted once in a while by whoever admits the keys. A rebuild leaves it alone.
create table api_key_uses (
    key_id       uuid primary key,
    user_id      uuid not null,
    last_used_at timestamptz not null
) with (fillfactor = 70);
create index api_key_uses_by_user on api_key_uses (user_id);

-- A key says its id and not whose it is.
create index secrets_of_api_keys on secrets (name) where kind = 'api_key';
