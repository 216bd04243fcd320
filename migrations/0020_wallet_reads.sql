-- What the read side of wallets looks up beyond its tables' own keys.

-- Rows of transfers only: a deposit costs nothing more.
create index transactions_by_counterparty on transactions (wallet_id, counterparty, sequence) where counterparty is not null;

-- The sequence of an aggregate's last event at a position or before it; 0, if there is none. By halving.
create function last_sequence_at(of_type text, of_id text, until bigint) returns bigint language sql stable as $$
    select coalesce(first_sequence_after(of_type, of_id, until) - 1,
                    (select e.sequence from events e where e.aggregate_type = of_type and e.aggregate_id = of_id
                      order by e.sequence desc limit 1), 0)
$$;
