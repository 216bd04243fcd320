-- What came of the runs that were asked for after a position.
with asked as (
    select payload->'RunRequested'->>'run_id' as run_id, recorded_at as asked_at
      from events where position > $1 and event_type = 'RunRequested'),
ended as (
    select coalesce(payload->'RunCompleted', payload->'RunFailed')->>'run_id' as run_id, recorded_at as ended_at,
           event_type = 'RunFailed' as is_failed
      from events where position > $1 and event_type in ('RunCompleted', 'RunFailed')),
took as (
    select extract(epoch from ended_at - asked_at)::float8 * 1000 as ms, is_failed from asked join ended using (run_id))
select count(*) as ended,
       count(*) filter (where is_failed) as failed,
       coalesce(percentile_cont(0.5) within group (order by ms), 0) as p50,
       coalesce(percentile_cont(0.99) within group (order by ms), 0) as p99,
       (select count(*) from events where position > $1 and event_type = 'OrderFilled') as trades
  from took
