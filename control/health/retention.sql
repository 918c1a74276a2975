-- Each drops at most so many rows that the settings do not want kept any more; while a hold is on, none of what people may want to
-- look at.

-- retention_results(most): results kept in full.
DELETE FROM result_kept
 WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM result_kept
        WHERE at < now() - make_interval(days => (SELECT results FROM kept_days))
        LIMIT $1));

-- retention_samples(most): packed results.
DELETE FROM sample_chunk
 WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM sample_chunk
        WHERE to_at < now() - make_interval(days => (SELECT samples FROM kept_days))
        LIMIT $1));

-- retention_events(most): status events; the last one stays, because the engine counts on from it.
DELETE FROM status_event
 WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM status_event
        WHERE at < now() - make_interval(days => (SELECT events FROM kept_days))
          AND seq < (SELECT max(seq) FROM status_event)
        LIMIT $1));

-- retention_announcements(most): announcements; the last one stays, as with events.
DELETE FROM announcement
 WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM announcement
        WHERE at < now() - make_interval(days => (SELECT events FROM kept_days))
          AND seq < (SELECT max(seq) FROM announcement)
        LIMIT $1));

-- retention_positions(most): starts of probers that are long over.
DELETE FROM ingest_position
 WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM ingest_position WHERE updated_at < now() - interval '30 days' LIMIT $1));

-- retention_check_states(most): what was remembered of checks that were deleted longer ago than results are kept.
DELETE FROM check_state
 WHERE ctid = ANY (ARRAY(
       SELECT s.ctid FROM check_state s
         LEFT JOIN health_check c ON c.id = s.check_id
        WHERE (c.id IS NULL AND NOT (SELECT hold FROM settings))
           OR c.deleted_at < now() - make_interval(days => (SELECT results FROM kept_days))
        LIMIT $1));

-- retention_rings(most): the last results of such checks.
DELETE FROM result_ring
 WHERE ctid = ANY (ARRAY(
       SELECT r.ctid FROM result_ring r
        WHERE NOT EXISTS (SELECT FROM check_state s WHERE s.check_id = r.check_id)
        LIMIT $1));

-- retention_statuses(most): states of what was deleted longer ago than events are kept.
DELETE FROM entity_status
 WHERE ctid = ANY (ARRAY(
       SELECT s.ctid FROM entity_status s
        WHERE s.since < now() - make_interval(days => (SELECT events FROM kept_days))
          AND NOT EXISTS (SELECT FROM health_node n WHERE n.id = s.entity_id)
        LIMIT $1));

-- retention_answers(most): answers that nobody can ask for any more.
DELETE FROM idempotency_answer
 WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM idempotency_answer WHERE created_at < now() - interval '24 hours' LIMIT $1));

-- retention_item_history(most): earlier versions of items.
SELECT item_history_drop(now() - make_interval(days => (SELECT events FROM kept_days)), $1::integer);
