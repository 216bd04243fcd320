-- What trading sessions are, and what they did: one projection folds all of it, because all of it comes of the same events.

insert into projection_checkpoints (name, version) values ('trading', 1);

-- One row per session. All of it stands in `aggregate`, as folding its events leaves it; the rest is what rows are found by.
create table trading_sessions (
    session_id       uuid primary key,
    user_id          uuid not null,
    mode             text collate "C" not null,
    state            text collate "C" not null,
    currency         text collate "C" not null,
    -- Where it began: newer sessions have higher ones.
    started_position bigint not null,
    started_at       timestamptz not null,
    aggregate        jsonb not null,
    -- Of its last event.
    version          bigint not null,
    position         bigint not null,
    changed_at       timestamptz not null
) with (fillfactor = 70);
create index trading_sessions_by_start on trading_sessions (started_position);
create index trading_sessions_by_state on trading_sessions (state, started_position);
create index trading_sessions_by_user on trading_sessions (user_id, started_position);
create index trading_sessions_active on trading_sessions (started_position) where state <> 'stopped';
create index trading_sessions_active_by_user on trading_sessions (user_id, started_position) where state <> 'stopped';

-- Sessions that are to be looked at as prices move: narrow, because all of it is read every time.
create table trading_marks (
    session_id  uuid primary key,
    currency    text collate "C" not null,
    cash        numeric not null,
    -- What is held, how much of it, and which share of the whole it is meant to be.
    assets      text[] collate "C" not null,
    quantities  numeric[] not null,
    targets     numeric[] not null,
    -- What one of it was last known to be worth.
    marks       numeric[] not null,
    -- Below this equity the session has lost more than it may; nothing, where it is halted already.
    low         numeric,
    -- Above this one its highest is worth taking down.
    high        numeric not null,
    -- Farther than this from its targets it asks for a run, and from when on; nothing, where it does not.
    drift       numeric,
    drift_from  timestamptz,
    -- Whether it is that far, whatever prices are: it lacks something.
    is_off      boolean not null,
    -- When it was valued last, or when it began.
    snapshot_at timestamptz not null
) with (fillfactor = 70);

create table trading_runs (
    run_id         uuid primary key,
    session_id     uuid not null,
    user_id        uuid not null,
    trigger        text collate "C" not null,
    state          text collate "C" not null,
    -- What it came to, once it ended.
    result         text collate "C",
    dry_run        boolean not null,
    due_at         timestamptz not null,
    started_at     timestamptz not null,
    ended_at       timestamptz,
    late_ms        bigint not null,
    -- Nothing, if it could not be planned.
    plan_hash      text collate "C",
    legs           jsonb,
    skipped        jsonb,
    orders         integer not null,
    turnover       numeric not null,
    fees           numeric not null,
    error_code     text collate "C",
    error_message  text,
    first_position bigint not null,
    first_sequence bigint not null,
    -- Of its last event so far.
    last_position  bigint not null,
    last_sequence  bigint not null
) with (fillfactor = 60);
create index trading_runs_by_session on trading_runs (session_id, first_position);

-- One row per trade that happened, per order that came to nothing, and per order that a dry run would have sent. Rows are
-- added and never changed.
create table trading_trades (
    -- Of its event; of the legs of one plan, counted on from there.
    trade_id      uuid primary key,
    session_id    uuid not null,
    user_id       uuid not null,
    run_id        uuid not null,
    -- A dry run has no orders.
    order_id      uuid,
    trade_type    text collate "C" not null,
    dry_run       boolean not null,
    symbol        text collate "C" not null,
    asset         text collate "C" not null,
    currency      text collate "C" not null,
    side          text collate "C" not null,
    quantity      numeric not null,
    -- The one it was meant to have, where nothing was traded.
    price         numeric not null,
    fee           numeric not null,
    fee_currency  text collate "C" not null,
    -- The fee in the currency of the session.
    fee_in_quote  numeric not null,
    success       boolean not null,
    error_code    text collate "C",
    error_message text,
    -- What it made, without its fee.
    realised      numeric not null,
    recorded_at   timestamptz not null,
    position      bigint not null,
    -- Among those of one position.
    leg           integer not null
);
create index trading_trades_by_session on trading_trades (session_id, position, leg);
create index trading_trades_by_user on trading_trades (user_id, position, leg);

-- What a session was worth, whenever that was found out. Rows are added and never changed.
create table trading_equity (
    session_id uuid not null,
    position   bigint not null,
    at         timestamptz not null,
    -- What was put in until then, less what was taken out: what changes between two points came from outside.
    capital    numeric not null,
    equity     numeric not null,
    cash       numeric not null,
    unrealised numeric not null,
    realised   numeric not null,
    fees       numeric not null,
    high_water numeric not null,
    drawdown   numeric not null,
    primary key (session_id, position)
);
