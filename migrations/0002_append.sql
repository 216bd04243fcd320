-- One batch, in one round trip and one transaction: fence, keys, claims, events, secrets, erasures.
--
-- Conflicting keys and claims are found all at once and named in the error's detail; the caller answers those and
-- comes again with the rest. Errors: CF001 fenced (another batch or epoch, or halted), CF002 conflicts (detail is JSON).

create function append_batch(
    at_epoch bigint, at_batch bigint, at_recorded timestamptz, first_position bigint,
    command_keys uuid[], fingerprints uuid[], command_positions bigint[], command_events integer[], refusals text[],
    claim_kinds text[], claim_digests uuid[], claim_owners uuid[],
    types text[], ids text[], sequences bigint[], event_types text[], versions text[],
    payloads text[], metadatas text[], event_ids uuid[], owners uuid[],
    secret_owners uuid[], secret_kinds text[], secret_names text[], secret_versions bigint[], secret_values bytea[],
    released_kinds text[], released_owners uuid[], released_keeps uuid[],
    dropped_owners uuid[], dropped_kinds text[], dropped_names text[], erased uuid[]
) returns void language plpgsql as $$
begin
    update journal_head
       set position = position + cardinality(types), batch = batch + 1, beat = clock_timestamp(),
           recorded_at = at_recorded
     where batch = at_batch and epoch = at_epoch and position = first_position - 1 and halted is null;
    if not found then
        raise exception 'fenced' using errcode = 'CF001';
    end if;

    begin
        -- In the select list they go in step; in the from clause each would be written to a store of its own first.
        insert into commands (key, fingerprint, position, events, refusal)
        select unnest(command_keys), unnest(fingerprints), unnest(command_positions), unnest(command_events),
               unnest(refusals)::json;
        -- Who holds a claim keeps it: a name may be spelt in another way.
        insert into claims (kind, digest, owner)
        select k, d, o from unnest(claim_kinds, claim_digests, claim_owners) as x (k, d, o)
         where not exists (select from claims held where held.kind = k and held.digest = d and held.owner = o);
    exception when unique_violation then
        -- A plain insert and a rare exception cost half of `on conflict do nothing returning` on every row.
        raise exception 'conflicts' using errcode = 'CF002', detail = json_build_object(
            'keys', array(select key from commands where key = any(command_keys)),
            'claims', coalesce((
                select json_agg(json_build_array(held.kind, held.digest))
                  from unnest(claim_kinds, claim_digests, claim_owners) as wanted (kind, digest, owner)
                  join claims held using (kind, digest)
                 where held.owner <> wanted.owner), '[]'))::text;
    end;

    if cardinality(types) > 0 then
        insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                            position, event_id, owner, recorded_at)
        select unnest(types), unnest(ids), unnest(sequences), unnest(event_types), unnest(versions),
               unnest(payloads)::json, unnest(metadatas)::json,
               generate_series(first_position, first_position + cardinality(types) - 1),
               unnest(event_ids), unnest(owners), at_recorded;
    end if;

    if cardinality(secret_owners) > 0 then
        insert into secrets (owner, kind, name, version, value)
        select * from unnest(secret_owners, secret_kinds, secret_names, secret_versions, secret_values)
        on conflict (owner, kind, name) do update set version = excluded.version, value = excluded.value;
    end if;

    if cardinality(released_owners) > 0 then
        delete from claims c using unnest(released_kinds, released_owners, released_keeps) as r (kind, owner, keep)
         where c.owner = r.owner and c.kind = r.kind and c.digest <> r.keep;
    end if;
    if cardinality(dropped_owners) > 0 then
        delete from secrets s using unnest(dropped_owners, dropped_kinds, dropped_names) as d (owner, kind, name)
         where s.owner = d.owner and s.kind = d.kind and s.name = d.name;
    end if;
    if cardinality(erased) > 0 then
        -- First: whoever makes a token for a mail holds that mail's row until the token is in `secrets`.
        delete from outbox where user_id = any(erased);
        delete from secrets where owner = any(erased);
        delete from claims where owner = any(erased);
        delete from snapshots where aggregate_type = 'user' and aggregate_id = any(erased::text[]);
    end if;
end $$;
