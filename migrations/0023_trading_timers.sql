-- When a trading session wants to be looked at, and who does.
--
-- Rows follow the journal and say where to look; what is due is decided by the session. Nobody's row is nobody's task: a
-- session that sleeps costs a row and no more.

create table trading_timers (
    session_id   uuid primary key,
    -- Its prices are in this.
    currency     text not null,
    -- Whether its schedule counts: not while it is paused or halted.
    runs         boolean not null,
    next_run_at  timestamptz,
    requested_at timestamptz,
    -- When orders that are out can be asked for, if nobody has told what became of them.
    settle_at    timestamptz,
    due_at       timestamptz generated always as
                     (least(case when runs then next_run_at end, requested_at, settle_at)) stored,
    -- The sequence of the last event of the session that is in this row.
    version      bigint not null,
    -- The sequence at which the last worker left it: until that is in here, the row tells of the past.
    handled      bigint not null default 0,
    -- Rises with every lease: whoever comes with a lower one is late.
    fence        bigint not null default 0,
    owner        uuid,
    leased_until timestamptz,
    -- Attempts in a row that came to nothing, and when to try again.
    failures     integer not null default 0,
    retry_at     timestamptz
) with (fillfactor = 70);
create index trading_timers_by_due on trading_timers (due_at) where due_at is not null;

create table trading_timers_checkpoint (
    only_row boolean primary key default true check (only_row),
    position bigint not null
) with (fillfactor = 10);
insert into trading_timers_checkpoint (position) select position from journal_head;
