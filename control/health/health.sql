-- Reads of the history and everything about maintenance windows.

-- status_events_page(limit, cursor, kind, id, scope, state, from, to, org): changes of states, the newest first, each
-- with the way to it as it is called now.
SELECT json_build_object(
           'items', coalesce(json_agg(json_build_object(
               'seq', seq, 'at', rfc3339(at), 'noted_at', rfc3339(noted_at), 'kind', kind, 'id', entity_id,
               'key', entity_key, 'name', entity_name, 'path', coalesce(path, '[]'), 'from', from_state, 'to', to_state,
               'version', version, 'reason', reason) ORDER BY place) FILTER (WHERE place <= $1::integer), '[]'),
           'next', CASE WHEN count(*) > $1::integer THEN (array_agg(seq ORDER BY place))[$1::integer]::text END)
  FROM (SELECT *, scope[2:] AS above, row_number() OVER (ORDER BY seq DESC) AS place
          FROM status_event_seen
         WHERE ($2::text IS NULL OR seq < $2::bigint)
           AND ($3::text IS NULL OR kind = $3)
           AND ($4::uuid IS NULL OR entity_id = $4::uuid)
           AND ($5::uuid IS NULL OR scope @> ARRAY[$5::uuid])
           AND ($6::text IS NULL OR to_state = $6)
           AND ($7::timestamptz IS NULL OR at >= $7::timestamptz)
           AND ($8::timestamptz IS NULL OR at < $8::timestamptz)
           AND ($9::uuid IS NULL OR scope @> ARRAY[$9::uuid])
         ORDER BY seq DESC
         LIMIT $1::integer + 1) page
  LEFT JOIN LATERAL (
       SELECT json_agg(json_build_object('kind', step.kind, 'id', step.id, 'key', step.key, 'name', step.name)
                       ORDER BY array_position(page.above, step.id) DESC) AS path
         FROM (SELECT 'organisation' AS kind, id, key, name FROM organisation WHERE id = ANY(page.above)
                UNION ALL
               SELECT 'business_unit', id, key, name FROM business_unit WHERE id = ANY(page.above)
                UNION ALL
               SELECT 'system', id, key, name FROM system WHERE id = ANY(page.above)
                UNION ALL
               SELECT 'instance', id, key, name FROM instance WHERE id = ANY(page.above)
                UNION ALL
               SELECT 'component', id, key, name FROM component WHERE id = ANY(page.above)) step) way ON true;

-- maintenance_window_get(id, org): one window with its version.
SELECT row_to_json(item), item.version
  FROM maintenance_window_item item
  JOIN maintenance_window w ON w.id = item.id
 WHERE item.id = $1::uuid
   AND ($2::uuid IS NULL OR w.organisation_id = $2::uuid);

-- maintenance_windows_page(limit, cursor, scope, org): windows after the cursor, of one scope.
SELECT json_build_object(
           'items', coalesce(json_agg(object ORDER BY place) FILTER (WHERE place <= $1::integer), '[]'),
           'next', CASE WHEN count(*) > $1::integer THEN (array_agg(id ORDER BY place))[$1::integer] END)
  FROM (SELECT item.id, row_to_json(item) AS object, row_number() OVER (ORDER BY item.id) AS place
          FROM maintenance_window_item item
          JOIN maintenance_window w ON w.id = item.id
         WHERE item.id > coalesce($2::uuid, uuid_nil())
           AND ($3::uuid IS NULL OR w.scope_id = $3::uuid)
           AND ($4::uuid IS NULL OR w.organisation_id = $4::uuid)
         ORDER BY item.id
         LIMIT $1::integer + 1) page;

-- maintenance_scope_find(id, kind): the organisation of a living scope.
SELECT organisation_id FROM system WHERE id = $1 AND $2::text = 'system' AND deleted_at IS NULL
 UNION ALL
SELECT organisation_id FROM environment_group WHERE id = $1 AND $2::text = 'environment_group' AND deleted_at IS NULL
 UNION ALL
SELECT organisation_id FROM instance WHERE id = $1 AND $2::text = 'instance' AND deleted_at IS NULL
 UNION ALL
SELECT organisation_id FROM component WHERE id = $1 AND $2::text = 'component' AND deleted_at IS NULL;

-- maintenance_window_insert(id, organisation_id, kind, scope_id, starts_at, ends_at, reason): declares a window.
INSERT INTO maintenance_window (id, organisation_id, scope_kind, scope_id, starts_at, ends_at, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- maintenance_window_lock(id): the organisation of a living window, held against other writers.
SELECT organisation_id, ends_at, ended_at, starts_at FROM maintenance_window
 WHERE id = $1 AND deleted_at IS NULL
   FOR UPDATE;

-- maintenance_window_end(id, at): ends it early.
UPDATE maintenance_window SET ended_at = $2 WHERE id = $1;

-- maintenance_window_delete(id): takes it away.
UPDATE maintenance_window SET deleted_at = now() WHERE id = $1;

-- results_of_ring(check_id): the last results of a check in full, the newest first.
SELECT at, prober_id, record FROM result_ring WHERE check_id = $1 ORDER BY at DESC;

-- results_kept(check_id, from, before, most): results kept in full from an older time, the newest first.
SELECT at, prober_id, record
  FROM result_kept
 WHERE check_id = $1 AND at >= $2::timestamptz AND at < $3::timestamptz
 ORDER BY at DESC
 LIMIT $4;

-- sample_chunks(check_id, from, before, most): chunks with samples of that time, the newest first.
SELECT samples
  FROM sample_chunk
 WHERE check_id = $1 AND to_at >= $2::timestamptz AND from_at < $3::timestamptz
 ORDER BY from_at DESC
 LIMIT $4;

-- check_exists(check_id, org): one row when the check is there.
SELECT 1
  FROM health_check
 WHERE id = $1 AND deleted_at IS NULL
   AND ($2::uuid IS NULL OR organisation_id = $2::uuid);
