-- What came of the runs that were due after a position ($1): of these sessions ($2) at these times ($3). Some of them were
-- with a worker that was lost ($4).
with due as (
    select * from unnest($2::text[], $3::timestamptz[]) as d (session_id, due_at)),
begun as (
    select aggregate_id as session_id, told->>'run_id' as run_id, (told->>'due_at')::timestamptz as due_at,
           (told->>'late_ms')::float8 as late_ms
      from (select aggregate_id, payload->'RunStarted' as told from events
             where position > $1 and event_type = 'RunStarted') as started),
ended as (
    select coalesce(payload->'RunCompleted', payload->'RunFailed')->>'run_id' as run_id, recorded_at,
           event_type = 'RunFailed' as is_failed
      from events where position > $1 and event_type in ('RunCompleted', 'RunFailed')),
filled as (
    select told->>'order_id' as order_id, told->>'trade_id' as trade_id
      from (select payload->'OrderFilled' as told from events
             where position > $1 and event_type = 'OrderFilled') as fills),
executed as (
    select account, order_id::text as order_id from paper_orders where account = any($2::uuid[])
       and executed_at >= (select min(recorded_at) from events where position = $1 + 1)),
-- How often each was begun, and each that was begun was ended.
begun_times as (
    select d.session_id, count(b.run_id) as times
      from due d left join begun b on b.session_id = d.session_id and b.due_at = d.due_at group by d.session_id, d.due_at),
ended_times as (
    select b.run_id, count(e.run_id) as times
      from (select distinct run_id from begun) b left join ended e using (run_id) group by b.run_id)
select (select count(*) from begun_times where times <> 1) as not_begun_once,
       (select count(*) from ended_times where times <> 1) as not_ended_once,
       (select count(*) from begun b
         where not exists (select from due d where d.session_id = b.session_id and d.due_at = b.due_at)) as not_due,
       (select count(*) from (select from executed group by account, order_id having count(*) > 1) as twice) as executed_again,
       (select count(*) from (select from filled group by order_id, trade_id having count(*) > 1) as twice) as booked_again,
       (select count(*) from executed x where not exists (select from filled f where f.order_id = x.order_id)) as not_booked,
       (select count(*) from events where position > $1 and event_type = 'RunTakenOver') as taken_over,
       (select count(*) from ended where is_failed) as failed,
       (select count(*) from filled) as trades,
       (select max(recorded_at) from ended) as ended_at,
       coalesce((select percentile_cont(0.99) within group (order by late_ms) from begun
                  where session_id <> all($4::text[])), 0) as late_p99,
       coalesce((select percentile_cont(0.99) within group (order by late_ms) from begun), 0) as late_all_p99,
       coalesce((select max(late_ms) from begun), 0) as late_max
