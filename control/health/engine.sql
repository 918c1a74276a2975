-- What the engine reads at its start and after changes, and the writes of one batch. A batch is one transaction and may
-- run twice, so every write here gives the same rows the second time.

-- engine_lock(key): takes the lead for this connection, when nobody has it.
SELECT pg_try_advisory_lock($1::bigint);

-- engine_begin_term(): counts a term of the lead; who took it before must not go on from its memory.
INSERT INTO follower (name, sequence) VALUES ('engine', 1)
    ON CONFLICT (name) DO UPDATE SET sequence = follower.sequence + 1
RETURNING sequence;

-- engine_term(): the term that runs.
SELECT sequence FROM follower WHERE name = 'engine';

-- health_nodes(): everything that has a state, parents' kinds before children's.
SELECT rank, kind, id, key, name, version, created_at, parent_id, group_id, criticality, weight, policy, min_up,
       operational_at, down_below, unknown_share, facts
  FROM health_node
 ORDER BY rank, id;

-- health_components_of_definitions(ids): components that are made by these definitions.
SELECT id FROM component WHERE definition_id = ANY ($1::uuid[]) AND deleted_at IS NULL;

-- health_checks(): how each check is judged and probed.
SELECT id, kind, check_spec_whole(spec, secrets)::text, interval_s, retry_interval_s, timeout_ms, fall, rise, unknown_after, stale_after_s, flap,
       severity = 'degraded' AS degraded_only, enabled, plan_revision, heartbeat_token
  FROM health_check
 WHERE deleted_at IS NULL;

-- health_checks_of(ids): the same of some of them.
SELECT id, kind, check_spec_whole(spec, secrets)::text, interval_s, retry_interval_s, timeout_ms, fall, rise, unknown_after, stale_after_s, flap,
       severity = 'degraded' AS degraded_only, enabled, plan_revision, heartbeat_token
  FROM health_check
 WHERE id = ANY ($1::uuid[]) AND deleted_at IS NULL;

-- health_check_states(): what was remembered of each check, with its last result.
SELECT s.check_id, s.results, s.state, r.prober_id, r.record
  FROM check_state s
  LEFT JOIN result_ring r ON r.check_id = s.check_id AND r.slot = (s.results - 1) % 100;

-- health_check_states_of(ids): the same of some of them.
SELECT s.check_id, s.results, s.state, r.prober_id, r.record
  FROM check_state s
  LEFT JOIN result_ring r ON r.check_id = s.check_id AND r.slot = (s.results - 1) % 100
 WHERE s.check_id = ANY ($1::uuid[]);

-- health_statuses(): the last known status of everything.
SELECT entity_id, state, measured, since, version, reason, partial_maintenance, under_maintenance
  FROM entity_status;

-- health_statuses_of(ids): the same of some of them.
SELECT entity_id, state, measured, since, version, reason, partial_maintenance, under_maintenance
  FROM entity_status
 WHERE entity_id = ANY ($1::uuid[]);

-- health_windows(): maintenance windows that are open or to come, by their effective end.
SELECT id, scope_id, starts_at, least(ends_at, ended_at)
  FROM maintenance_window
 WHERE deleted_at IS NULL AND least(ends_at, ended_at) > now();

-- health_sequences(): the last sequence of events, of announcements and of the plan, and the last position of the journal.
SELECT (SELECT coalesce(max(seq), 0) FROM status_event), (SELECT coalesce(max(seq), 0) FROM announcement),
       (SELECT coalesce(max(plan_revision), 0) FROM health_check), (SELECT coalesce(max(position), 0) FROM change_seal);

-- health_positions(): how far each prober's results are committed, those that were silent for longest first.
SELECT prober_id, boot_id, acked_seq, lost FROM ingest_position ORDER BY updated_at;

-- health_changed_after(position): what the journal says was changed behind a position, as much as is read at once; a fall-back for lost notices.
SELECT sealed.position, entry.id, entry.kind, entry.entity_id
  FROM (SELECT position, change_id FROM change_seal WHERE position > $1::bigint ORDER BY position LIMIT 5000) sealed
 CROSS JOIN LATERAL (SELECT id, kind, entity_id
                       FROM change
                      WHERE id = sealed.change_id
                      LIMIT 1) entry -- one look into the index for each, however the table has grown
 ORDER BY sealed.position;

-- check_states_write(ids, results, states): one row per check, replaced.
INSERT INTO check_state (check_id, results, state)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bytea[])
    ON CONFLICT (check_id) DO UPDATE SET results = excluded.results, state = excluded.state;

-- result_ring_write(ids, slots, times, probers, records): results in full, into their places of the rings.
INSERT INTO result_ring (check_id, slot, at, prober_id, record)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::uuid[], $5::bytea[])
    ON CONFLICT (check_id, slot) DO UPDATE SET at = excluded.at, prober_id = excluded.prober_id, record = excluded.record;

-- result_kept_write(ids, times, probers, records): results that are kept in full for longer.
INSERT INTO result_kept (check_id, at, prober_id, record)
SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::bytea[])
    ON CONFLICT DO NOTHING;

-- result_ring_of(ids): the rings of some checks, for packing.
SELECT check_id, slot, record FROM result_ring WHERE check_id = ANY ($1::uuid[]);

-- sample_chunks_write(ids, from, to, samples): chunks that are complete.
INSERT INTO sample_chunk (check_id, from_at, to_at, samples)
SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::bytea[])
    ON CONFLICT DO NOTHING;

-- entity_statuses_write(ids, kinds, states, measured, since, versions, reasons, partial, under): one row per entity, replaced.
INSERT INTO entity_status (entity_id, kind, state, measured, since, version, reason, partial_maintenance, under_maintenance)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[], $7::text[],
                     $8::boolean[], $9::boolean[])
    ON CONFLICT (entity_id) DO UPDATE
   SET state = excluded.state, measured = excluded.measured, since = excluded.since, version = excluded.version,
       reason = excluded.reason, partial_maintenance = excluded.partial_maintenance,
       under_maintenance = excluded.under_maintenance;

-- status_events_write(sequences, times, noted, kinds, ids, keys, names, scopes, from, to, versions, reasons): events; a scope is the text of an array.
INSERT INTO status_event (seq, at, noted_at, kind, entity_id, entity_key, entity_name, scope, from_state, to_state, version, reason)
SELECT seq, at, noted_at, kind, entity_id, entity_key, entity_name, scope::uuid[], from_state, to_state, version, reason
  FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::uuid[], $6::text[], $7::text[],
              $8::text[], $9::text[], $10::text[], $11::bigint[], $12::text[])
       AS e (seq, at, noted_at, kind, entity_id, entity_key, entity_name, scope, from_state, to_state, version, reason)
    ON CONFLICT (seq) DO NOTHING;

-- announcements_write(sequences, times, ids, messages, states): what there is to tell about checks.
INSERT INTO announcement (seq, at, check_id, message, state)
SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::uuid[], $4::text[], $5::text[])
    ON CONFLICT (seq) DO NOTHING;

-- ingest_positions_write(probers, boots, sequences, lost): how far the results are in, with the results themselves.
INSERT INTO ingest_position (prober_id, boot_id, acked_seq, lost, updated_at)
SELECT prober_id, boot_id, acked_seq, lost, now()
  FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[]) AS p (prober_id, boot_id, acked_seq, lost)
    ON CONFLICT (prober_id, boot_id) DO UPDATE
   SET acked_seq = excluded.acked_seq, lost = excluded.lost, updated_at = now();
