-- Mail that is wanted and has not left yet.
--
-- A row says which mail, never what is in it: tokens and texts are made when it is sent. It is deleted then, when it is not
-- wanted any more, and with its user.

create table outbox (
    id         bigint generated always as identity primary key,
    kind       text collate "C" not null,
    -- Nothing, where it was asked for by an address and nobody has looked yet whose that is.
    user_id    uuid,
    -- Where it is not the user's own present one.
    address    text,
    params     json not null default '{}',
    created_at timestamptz not null default clock_timestamp(),
    -- Not before then. Whoever takes a row moves this, so nobody else takes it meanwhile.
    due_at     timestamptz not null default clock_timestamp(),
    attempts   integer not null default 0,
    last_error text
) with (fillfactor = 70);
create index outbox_by_due on outbox (due_at);
create index outbox_by_user on outbox (user_id);
-- What is wanted of a key long before it is due.
create index outbox_by_api_key on outbox ((params ->> 'api_key')) where kind = 'api_key_expires';

-- How far the mailer has read. Where a journal has events already when this is made, it begins at the end: nobody wants the
-- mails of last year.
create table mailer_checkpoint (
    only_row boolean primary key default true check (only_row),
    position bigint not null
) with (fillfactor = 10);
insert into mailer_checkpoint (position) select position from journal_head;
