-- What stands around an account: where it is signed in, what it prefers, and what happened to it. One projection folds all
-- three, because all three come of the same few events.

insert into projection_checkpoints (name, version) values ('accounts', 2);

-- One row per open session; it goes when the session ends.
create table login_sessions (
    session_id   uuid primary key,
    user_id      uuid not null,
    opened_at    timestamptz not null,
    -- The last refresh.
    last_seen_at timestamptz not null,
    -- Unless it is refreshed before; never past `ends_at`.
    expires_at   timestamptz not null,
    ends_at      timestamptz not null,
    -- Plain values of personal data; nothing where the key they were sealed with is destroyed.
    ip           text,
    user_agent   text,
    -- Of the event that opened it.
    position     bigint not null
) with (fillfactor = 80);
create index login_sessions_by_user on login_sessions (user_id, position);
create index login_sessions_by_expiry on login_sessions (expires_at);

-- One row per user, so that it also says who there is.
create table preferences (
    user_id     uuid primary key,
    -- Nothing, as long as all of them are the defaults.
    preferences jsonb,
    -- How often they changed.
    version     bigint not null,
    -- Where they changed last, or where the user registered.
    position    bigint not null
) with (fillfactor = 80);

-- One row per event of a user; refreshed tokens are left out. What happens to wallets is not copied here: whoever reads the list
-- takes it from the journal.
create table activity (
    user_id     uuid not null,
    position    bigint not null,
    type        text collate "C" not null,
    -- Who did it, and in which session or with which key.
    actor_kind  text collate "C" not null,
    actor_id    uuid,
    actor_session_id uuid,
    actor_key_id     uuid,
    -- The session it was about.
    session_id  uuid,
    -- Where the user's own session was opened that it was done in, or else was about. Erasing the user empties it.
    ip          text,
    -- Why, where the event says so.
    reason      text collate "C",
    recorded_at timestamptz not null,
    primary key (user_id, position)
);
create index activity_by_type on activity (user_id, type, position);
-- Where a session was opened, after it has ended too.
create index activity_openings on activity (session_id) where type = 'LoginSessionOpened';
