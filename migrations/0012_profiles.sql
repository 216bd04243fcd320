-- Users as a list: searched by how their names begin, newest first.
--
-- Compared as bytes, so that an index answers for beginnings. Folded before they come here: what the database's locale
-- makes of upper and lower case does not count.

alter table profiles
    -- Of their first event: lists are in this order, and a cursor is one such position.
    add column registered_at_position bigint not null default 0,
    -- In the form two of them are compared in. Nothing where there is nothing to find.
    add column username_folded text collate "C",
    add column email_folded    text collate "C";

create index profiles_by_registration on profiles (registered_at_position);
create index profiles_by_username on profiles (username_folded);
create index profiles_by_email on profiles (email_folded);
create index profiles_by_creation on profiles (created_at);
-- The few that somebody looks for among the many.
create index profiles_not_active on profiles (registered_at_position) where status <> 'active';

-- Rows that were folded without them are folded again, from the first event on.
truncate profiles;
update projection_checkpoints set version = 2, position = 0 where name = 'profiles';
