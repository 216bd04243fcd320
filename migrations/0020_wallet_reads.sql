-- What the read side of wallets looks up beyond its tables' own keys.

-- Rows of transfers only: a deposit costs nothing more.
create index transactions_by_counterparty on transactions (wallet_id, counterparty, sequence) where counterparty is not null;

-- The sequence of an aggregate's last event at a position or before it; 0, if there is none. By halving.
create function last_sequence_at(of_type text, of_id text, until bigint) returns bigint language sql stable as $$
    select coalesce(first_sequence_after(of_type, of_id, until) - 1,
                    (select e.sequence from events e where e.aggregate_type = of_type and e.aggregate_id = of_id
                      order by e.sequence desc limit 1), 0)
$$;

-- Every posting up to a position, with its two legs: the wallet's, and that of the world in its currency. The legs of each are
-- zero together. (A function and not a view, because a rebuild puts another table in the place of `transactions`.)
create function postings(until bigint)
returns table (wallet_id uuid, sequence bigint, "position" bigint, recorded_at timestamptz, currency text, account text, amount numeric)
language sql stable parallel safe as $$
    select t.wallet_id, t.sequence, t.position, t.recorded_at, t.currency, leg.account, leg.amount
      from transactions t
     cross join lateral (values
           (t.wallet_id::text, case when t.is_credit then t.amount else -t.amount end),
           ('world:' || t.currency, case when t.is_credit then -t.amount else t.amount end)) as leg (account, amount)
     where t.is_credit is not null and t.position <= until
$$;
