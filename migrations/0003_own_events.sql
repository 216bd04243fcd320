-- Somebody's own events in the order of the journal, merged from the histories of their aggregates.
--
-- Correct because an aggregate belongs to one user for ever, its first event says to whom, and its sequences grow with its
-- positions.

-- The sequence of an aggregate's first event after a position; null, if there is none. Found by halving: a long history is
-- entered anywhere at the price of some twenty look-ups.
create function first_sequence_after(of_type text, of_id text, after bigint) returns bigint
language plpgsql stable as $$
declare
    low  bigint := 0;
    high bigint;
    middle bigint;
    at bigint;
begin
    select e.sequence, e.position into high, at from events e
     where e.aggregate_type = of_type and e.aggregate_id = of_id order by e.sequence desc limit 1;
    if at is null or at <= after then
        return null;
    end if;
    -- What is at `low` is not after it, what is at `high` is.
    while high - low > 1 loop
        middle := (low + high) / 2;
        select e.position into strict at from events e
         where e.aggregate_type = of_type and e.aggregate_id = of_id and e.sequence = middle;
        if at > after then high := middle; else low := middle; end if;
    end loop;
    return high;
end $$;

create function own_events(of_owner uuid, after bigint, at_most bigint, only_type text, only_event text)
returns setof events language sql stable as $$
    with history as (
        select own.aggregate_type, own.aggregate_id,
               first_sequence_after(own.aggregate_type, own.aggregate_id, after) as start
          from events own
         where own.owner = of_owner and own.sequence = 1
           and (only_type is null or own.aggregate_type = only_type)
    )
    select e.*
      from history
     cross join lateral (
           select * from events e
            where e.aggregate_type = history.aggregate_type and e.aggregate_id = history.aggregate_id
              and e.sequence >= history.start and (only_event is null or e.event_type = only_event)
            order by e.sequence limit at_most
           ) e
     where history.start is not null
     order by e.position limit at_most
$$;

-- The first position recorded at a moment or later; the one behind the last, if there is none. By halving, too: positions have
-- no gap, and time does not run backwards from one to the next.
create function first_position_at(moment timestamptz) returns bigint
language plpgsql stable strict as $$
declare
    low  bigint := 0;
    high bigint := 1 + coalesce((select e.position from events e order by e.position desc limit 1), 0);
    middle bigint;
    at timestamptz;
begin
    -- What is at `low` was before it, what is at `high` was not.
    while high - low > 1 loop
        middle := (low + high) / 2;
        select e.recorded_at into strict at from events e where e.position = middle;
        if at >= moment then high := middle; else low := middle; end if;
    end loop;
    return high;
end $$;

-- For each of somebody's aggregates of a type: the sequences it has between two positions, both excluded. At most `at_most` of
-- them, the newest; where that leaves some out, `cut` is the position of the oldest that is in.
create function own_ranges(of_owner uuid, of_type text, above bigint, below bigint, at_most bigint)
returns table (aggregate_id text, low bigint, high bigint, cut bigint) language sql stable as $$
    with history as materialized (
        select own.aggregate_id,
               first_sequence_after(of_type, own.aggregate_id, above) as first,
               coalesce(first_sequence_after(of_type, own.aggregate_id, below - 1) - 1,
                        (select e.sequence from events e
                          where e.aggregate_type = of_type and e.aggregate_id = own.aggregate_id
                          order by e.sequence desc limit 1)) as last
          from events own
         where own.owner = of_owner and own.sequence = 1 and own.aggregate_type = of_type
    )
    select h.aggregate_id, greatest(h.first, h.last - at_most + 1), h.last,
           (select e.position from events e
             where h.last - at_most + 1 > h.first and e.aggregate_type = of_type
               and e.aggregate_id = h.aggregate_id and e.sequence = h.last - at_most + 1)
      from history h
     where h.first <= h.last
$$;
