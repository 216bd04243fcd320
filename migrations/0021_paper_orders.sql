-- What was executed on the exchange on paper: its own books, which nothing else of Counterfoil is written together with.
--
-- An order's id is not unique: exchanges forget the ids of orders that are done, so whoever sends one twice has traded
-- twice, and it shows.

create table paper_orders (
    id          bigint generated always as identity primary key,
    -- Whose: a trading session's.
    account     uuid not null,
    order_id    uuid not null,
    executed_at timestamptz not null,
    trade       json not null
);
create index paper_orders_by_order on paper_orders (account, order_id);

-- Executes an order, unless it is too late: then there is no row. Several may execute at once; nobody looks meanwhile.
create function paper_execute(of_account uuid, of_order uuid, valid_until timestamptz, of_trade json)
returns table (id bigint, executed_at timestamptz) language plpgsql as $$
begin
    -- The journal tells of a trade after this was written, to the same log, and is synced: so a crash takes no trade from here
    -- that the journal tells of. One whose answer is still on its way to be written down, by a process that outlives the
    -- database, may be gone from here when it is: then what the journal says stands.
    perform set_config('synchronous_commit', 'off', true);
    -- Before the clock is looked at, and until it is committed.
    perform pg_advisory_xact_lock_shared(hashtextextended('paper order ' || of_order, 0));
    if clock_timestamp() < valid_until then
        return query
            insert into paper_orders as o (account, order_id, executed_at, trade)
            values (of_account, of_order, clock_timestamp(), of_trade)
            returning o.id, o.executed_at;
    end if;
end $$;

-- One row: what time it is, and the newest order of that id, if there is one.
create function paper_look(of_account uuid, of_order uuid)
returns table (as_of timestamptz, id bigint, executed_at timestamptz, trade json) language plpgsql as $$
begin
    -- Whoever executes it right now is waited for; the query after this one sees what they wrote.
    perform pg_advisory_xact_lock(hashtextextended('paper order ' || of_order, 0));
    return query
        select clock_timestamp(), o.id, o.executed_at, o.trade
          from (select) as always
          left join lateral (select * from paper_orders p
                              where p.account = of_account and p.order_id = of_order
                              order by p.id desc limit 1) as o on true;
end $$;
