-- What may be told of the credentials that users left for exchanges. The credentials themselves stand sealed in `secrets`.

insert into projection_checkpoints (name, version) values ('exchange_credentials', 1);

create table exchange_credentials (
    user_id     uuid not null,
    exchange    text collate "C" not null,
    -- How the key begins and ends; nothing where the key it was sealed with is destroyed.
    key_hint    text,
    verified    boolean not null,
    permissions text[] not null,
    updated_at  timestamptz not null,
    position    bigint not null,
    primary key (user_id, exchange)
);
