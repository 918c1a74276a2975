-- Who may come in: principals, their keys, sessions and sign-in links. Secrets are known by their SHA-256 only.

-- access_lock(): lets one program at a time look whether there is an administrator.
SELECT pg_advisory_xact_lock(hashtextextended('control/access bootstrap', 0));

-- principal_insert(id, name, permissions): a new principal.
INSERT INTO principal (id, name, permissions) VALUES ($1::uuid, $2, $3::text[]);

-- administrator_find(): the first principal that may do everything everywhere.
SELECT id
  FROM principal
 WHERE '*' = ANY (permissions) AND organisation_id IS NULL AND disabled_at IS NULL
 ORDER BY id
 LIMIT 1;

-- session_find(hash, idle_s): who is behind a live session; notes at most once a minute that it is in use.
WITH used AS (
    UPDATE session SET last_used_at = now()
     WHERE hash = $1::bytea AND last_used_at BETWEEN now() - make_interval(secs => $2::integer)
                                                 AND now() - interval '1 minute')
SELECT principal_id, name, id, permissions, expires_at, scopes, organisation_id
  FROM session_rights
 WHERE hash = $1::bytea
   AND last_used_at > now() - make_interval(secs => $2::integer);

-- api_key_find(hash): who is behind a living key, with the rights that both key and owner have.
WITH used AS (
    UPDATE api_key SET last_used_at = now()
     WHERE hash = $1::bytea AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute'))
SELECT principal_id, name, id, permissions, expires_at, scopes, organisation_id
  FROM key_rights
 WHERE hash = $1::bytea;

-- session_insert(id, principal_id, api_key_id, hash, max_age_s): a new session.
INSERT INTO session (id, principal_id, api_key_id, hash, expires_at)
VALUES ($1::uuid, $2::uuid, $3::uuid, $4::bytea, now() + make_interval(secs => $5::integer));

-- session_delete(id): ends a session.
DELETE FROM session WHERE id = $1::uuid;

-- session_purge(): forgets sessions that are over; run with each sign-in, so the table stays small.
DELETE FROM session WHERE expires_at < now();

-- sign_in_link_insert(hash, principal_id, max_age_s): a new link.
INSERT INTO sign_in_link (hash, principal_id, expires_at)
VALUES ($1::bytea, $2::uuid, now() + make_interval(secs => $3::integer));

-- sign_in_link_use(hash): uses up a link, and says who it is for.
UPDATE sign_in_link
   SET used_at = now()
 WHERE hash = $1::bytea AND used_at IS NULL AND expires_at > now()
RETURNING principal_id;

-- sign_in_link_purge(): forgets links that are over; run with each new one.
DELETE FROM sign_in_link WHERE expires_at < now();

-- api_key_insert(id, principal_id, organisation_id, name, hash, scopes, expires_at): a new key; of the nil organisation is of none.
INSERT INTO api_key (id, principal_id, organisation_id, name, hash, scopes, expires_at)
VALUES ($1::uuid, $2::uuid, nullif($3::uuid, uuid_nil()), $4, $5::bytea, $6::text[], $7::timestamptz);

-- api_key_organisation(reference): a living organisation, by its id or its key.
SELECT id FROM organisation WHERE (id::text = lower($1::text) OR key = $1::text) AND deleted_at IS NULL;

-- api_key_get(id): a key that is not revoked, and its organisation.
SELECT row_to_json(item), organisation FROM api_key_item item WHERE id = $1::uuid;

-- api_keys_page(limit, cursor): the keys that are not revoked, in the order of creation.
SELECT json_build_object(
           'items', coalesce(json_agg(object ORDER BY place) FILTER (WHERE place <= $1::integer), '[]'),
           'next', CASE WHEN count(*) > $1::integer THEN (array_agg(id ORDER BY place))[$1::integer] END)
  FROM (SELECT id, row_to_json(item) AS object, row_number() OVER (ORDER BY id) AS place
          FROM api_key_item item
         WHERE id > coalesce($2::uuid, uuid_nil())
         ORDER BY id
         LIMIT $1::integer + 1) page;

-- api_key_revoke(id): makes a key worthless.
UPDATE api_key SET revoked_at = now() WHERE id = $1::uuid AND revoked_at IS NULL;

-- session_delete_of_key(api_key_id): ends the sessions that were opened with a key.
DELETE FROM session WHERE api_key_id = $1::uuid RETURNING id;

-- rights_find(ids, idle_s): of sessions and keys, those that are still worth something: the rights of owner and key, and the organisation that both may act in.
SELECT coalesce(json_object_agg(id, json_build_array(permissions, scopes, organisation_id)), '{}')
  FROM (SELECT id, permissions, scopes, organisation_id
          FROM session_rights
         WHERE id = ANY ($1::uuid[])
           AND last_used_at > now() - make_interval(secs => $2::integer)
        UNION ALL
        SELECT id, permissions, scopes, organisation_id
          FROM key_rights
         WHERE id = ANY ($1::uuid[])) living;
