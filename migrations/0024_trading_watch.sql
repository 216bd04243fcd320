-- Who watches what sessions are worth: one process at a time, for a few seconds at a time. More would find the same.

create table trading_watch (
    only_row     boolean primary key default true check (only_row),
    owner        uuid,
    leased_until timestamptz
) with (fillfactor = 10);
insert into trading_watch default values;
