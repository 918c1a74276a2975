-- Deliveries of status changes to the webhook of the settings.

-- notify_follow_status(most, pending_most): turns status events after our position into deliveries and moves it; answers how many were read, made, and not made for want of room.
WITH position AS (
    SELECT sequence FROM follower WHERE name = 'notify' FOR UPDATE
), batch AS (
    SELECT e.*
      FROM status_event e, position
     WHERE e.seq > position.sequence
     ORDER BY e.seq
     LIMIT $1
), moved AS (
    UPDATE follower
       SET sequence = (SELECT max(seq) FROM batch)
     WHERE name = 'notify' AND EXISTS (SELECT FROM batch)
), made AS (
    INSERT INTO delivery (id, event, payload)
    SELECT gen_random_uuid(), 'health.status_changed',
           jsonb_build_object('type', 'health.status_changed', 'timestamp', rfc3339(b.at),
                              'data', jsonb_build_object(
                                  'seq', b.seq, 'kind', b.kind, 'id', b.entity_id, 'key', b.entity_key,
                                  'from', b.from_state, 'to', b.to_state, 'at', rfc3339(b.at),
                                  'version', b.version, 'reason', b.reason))
      FROM batch b
     WHERE EXISTS (SELECT FROM settings WHERE webhook_url IS NOT NULL)
       AND (SELECT count(*) FROM delivery WHERE ended_at IS NULL) < $2
    RETURNING 1
)
SELECT (SELECT count(*) FROM batch), (SELECT count(*) FROM made),
       CASE WHEN EXISTS (SELECT FROM settings WHERE webhook_url IS NOT NULL)
            THEN (SELECT count(*) FROM batch) - (SELECT count(*) FROM made) ELSE 0 END;

-- delivery_claim(lease_s): the next due delivery with the webhook's address; nobody else gets it while the lease runs.
UPDATE delivery
   SET attempts = attempts + 1, due_at = now() + make_interval(secs => $1)
 WHERE id = (SELECT id
               FROM delivery
              WHERE ended_at IS NULL AND due_at <= now()
              ORDER BY due_at, created_at
              LIMIT 1
                FOR UPDATE SKIP LOCKED)
RETURNING id, payload::text, attempts, created_at, (SELECT webhook_url FROM settings);

-- delivery_end(id, delivered, status, error): it has arrived, or it is given up.
UPDATE delivery
   SET ended_at = now(), delivered = $2, last_status = $3, last_error = $4
 WHERE id = $1;

-- delivery_postpone(id, delay_ms, status, error): it is tried again after the delay.
UPDATE delivery
   SET due_at = now() + make_interval(secs => $2 / 1000.0), last_status = $3, last_error = $4
 WHERE id = $1;

-- delivery_hurry(): the receiver is back: everything that waits is due now.
UPDATE delivery SET due_at = now() WHERE ended_at IS NULL AND due_at > now();

-- delivery_forget(days): drops what has ended longer ago.
DELETE FROM delivery WHERE ended_at < now() - make_interval(days => $1);
