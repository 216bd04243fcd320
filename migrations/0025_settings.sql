-- What users' freqtrades are set to, and what they were. Secrets stand sealed in `secrets`.

insert into projection_checkpoints (name, version) values ('settings', 1);

create table settings (
    user_id  uuid primary key,
    -- The settings and presets as the aggregate leaves them.
    held     text not null,
    -- How each secret that is set ends; nothing where the key it was sealed with is destroyed.
    hints    text not null,
    position bigint not null
);

create table settings_history (
    user_id    uuid not null,
    version    bigint not null,
    fields     text[] not null,
    cause      text not null,
    actor      text not null,
    changed_at timestamptz not null,
    position   bigint not null,
    primary key (user_id, version)
);

create table settings_defaults (
    id       uuid primary key,
    state    text not null,
    position bigint not null
);
