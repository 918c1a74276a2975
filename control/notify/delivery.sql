-- Deliveries: what is to be sent, and what came of it.

-- follow_positions(most): how far each stream is told, and up to where to go next; null: there is nothing new. Last, whether webhooks were changed there.
SELECT (SELECT sequence FROM follower WHERE name = 'webhook.change'),
       (SELECT max(position)
          FROM (SELECT position
                  FROM change_seal
                 WHERE position > (SELECT sequence FROM follower WHERE name = 'webhook.change')
                 ORDER BY position
                 LIMIT $1::integer) next),
       (SELECT sequence FROM follower WHERE name = 'webhook.status'),
       (SELECT max(seq)
          FROM (SELECT seq
                  FROM status_event
                 WHERE seq > (SELECT sequence FROM follower WHERE name = 'webhook.status')
                 ORDER BY seq
                 LIMIT $1::integer) next),
       (SELECT sequence FROM follower WHERE name = 'webhook.head'),
       (SELECT max(position)
          FROM (SELECT position
                  FROM journal_head
                 WHERE position > (SELECT sequence FROM follower WHERE name = 'webhook.head')
                 ORDER BY position
                 LIMIT $1::integer) next),
       EXISTS (SELECT
                 FROM (SELECT change_id
                         FROM change_seal
                        WHERE position > (SELECT sequence FROM follower WHERE name = 'webhook.change')
                        ORDER BY position
                        LIMIT $1::integer) next
                 JOIN change ON change.id = next.change_id
                WHERE change.kind IN ('webhook', 'settings'));

-- follow_advance(name, from, to): moves a position, unless somebody else has.
UPDATE follower SET sequence = $3::bigint WHERE name = $1 AND sequence = $2::bigint;

-- heads_lock(): who tells where the chains of the journal end does it alone.
SELECT sequence FROM follower WHERE name = 'webhook.head' FOR UPDATE;

-- heads_tell(every_s): where the chains of the journal end that somebody listens to: those never told of, and those that have grown since they were, that long ago.
WITH RECURSIVE listener AS (
    SELECT organisation_id FROM webhook WHERE enabled AND deleted_at IS NULL AND events && '{*,journal.*,journal.head}'),
chain (id) AS (
    (SELECT chain_id FROM change_batch WHERE EXISTS (SELECT FROM listener) ORDER BY chain_id LIMIT 1)
     UNION ALL
    SELECT (SELECT next.chain_id FROM change_batch next WHERE next.chain_id > chain.id ORDER BY next.chain_id LIMIT 1)
      FROM chain
     WHERE chain.id IS NOT NULL)
INSERT INTO journal_head (position, chain_id, sequence, hash, sealed_at)
SELECT (SELECT coalesce(max(position), 0) FROM journal_head) + row_number() OVER (ORDER BY chain.id),
       chain.id, head.last, head.hash, head.sealed_at
  FROM chain
 CROSS JOIN LATERAL (SELECT last, hash, sealed_at
                       FROM change_batch
                      WHERE change_batch.chain_id = chain.id
                      ORDER BY last DESC
                      LIMIT 1) head
  LEFT JOIN LATERAL (SELECT sequence, at
                       FROM journal_head
                      WHERE journal_head.chain_id = chain.id
                      ORDER BY position DESC
                      LIMIT 1) told ON true
 WHERE EXISTS (SELECT FROM listener WHERE coalesce(organisation_id = chain.id, true))
   AND coalesce(told.sequence < head.last AND told.at <= now() - make_interval(secs => $1::integer), true);

-- heads_forget(): what was told longer ago than deliveries are kept, but for the last of each chain.
DELETE FROM journal_head
 WHERE at < now() - make_interval(days => (SELECT deliveries FROM kept_days))
   AND position < (SELECT max(position) FROM journal_head newer WHERE newer.chain_id = journal_head.chain_id);

-- delivery_dropped(webhook, count): events that nobody will be told of.
UPDATE webhook_status SET dropped = dropped + $2::bigint, version = version + 1 WHERE webhook_id = $1::uuid;

-- delivery_claim(webhooks, places, hurries, lease_s): what each webhook has room for, the longest due first; one that hurries takes what is not due yet. Nobody else gets it while the lease runs.
UPDATE delivery
   SET attempts = attempts + 1, leased_until = now() + make_interval(secs => $4::integer)
  FROM (SELECT waiting.id
          FROM unnest($1::uuid[], $2::bigint[], $3::boolean[]) AS room (webhook_id, places, hurries)
         CROSS JOIN LATERAL (SELECT id
                               FROM delivery
                              WHERE webhook_id = room.webhook_id AND ended_at IS NULL AND leased_until < now()
                                AND (due_at <= now() OR room.hurries)
                              ORDER BY due_at, position
                              LIMIT room.places
                                FOR UPDATE SKIP LOCKED) waiting) taken
 WHERE delivery.id = taken.id
RETURNING delivery.id, webhook_id, payload, attempts, step, due_at <= now(), created_at;

-- delivery_release(ids): gives back what was claimed and not sent.
UPDATE delivery SET leased_until = '-infinity', attempts = attempts - 1 WHERE id = ANY ($1::uuid[]) AND ended_at IS NULL;

-- delivery_attempted(id, number, at, duration_ms, status, error, reply): the log of one attempt.
INSERT INTO delivery_attempt (delivery_id, number, at, duration_ms, status, error, reply)
VALUES ($1::uuid, $2::integer, $3::timestamptz, $4::integer, $5::integer, $6, $7)
ON CONFLICT DO NOTHING;

-- delivery_end(id, delivered, status, error): it has arrived, or it is given up.
UPDATE delivery
   SET ended_at = now(), delivered = $2::boolean, last_status = $3::integer, last_error = $4
 WHERE id = $1::uuid;

-- delivery_postpone(id, step, delay_ms, status, error): it is tried again after the delay; null: when it was due anyhow.
UPDATE delivery
   SET step = $2::integer, leased_until = '-infinity',
       due_at = CASE WHEN $3::bigint IS NULL THEN due_at ELSE now() + make_interval(secs => $3::bigint / 1000.0) END,
       last_status = $4::integer, last_error = $5
 WHERE id = $1::uuid;

-- webhook_succeeded(id): it takes deliveries.
UPDATE webhook_status
   SET failing_since = NULL, last_delivered_at = now(), last_error = NULL, version = version + 1
 WHERE webhook_id = $1::uuid;

-- webhook_failed(id, error): it does not; answers since when nothing has arrived.
UPDATE webhook_status
   SET failing_since = coalesce(failing_since, now()), last_error = $2, version = version + 1
 WHERE webhook_id = $1::uuid
RETURNING failing_since;

-- delivery_hurry(webhook): the receiver is back: everything that waits for it is due now.
UPDATE delivery SET due_at = now() WHERE webhook_id = $1::uuid AND ended_at IS NULL AND due_at > now();

-- delivery_forget(most): drops what has ended longer ago than is kept.
DELETE FROM delivery
 WHERE id IN (SELECT id FROM delivery WHERE ended_at < now() - make_interval(days => (SELECT deliveries FROM kept_days)) LIMIT $1::integer);

-- delivery_get(id): one with what was sent and each attempt.
SELECT to_jsonb(item) || jsonb_build_object(
           'payload', (SELECT payload::jsonb FROM delivery WHERE id = item.id),
           'tries', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                                'number', number, 'at', rfc3339(at), 'duration_ms', duration_ms, 'status', status,
                                'error', error, 'reply', reply) ORDER BY number), '[]')
                       FROM delivery_attempt
                      WHERE delivery_id = item.id))
  FROM delivery_item item
 WHERE id = $1::uuid;

-- delivery_test(id, webhook): an event that only says that it arrives.
INSERT INTO delivery (id, webhook_id, type, happened_at, payload)
SELECT $1::uuid, id, 'webhook.test', now(),
       json_build_object('type', 'webhook.test', 'timestamp', rfc3339(now()),
                         'data', json_build_object('webhook', id, 'name', name))::text
  FROM webhook
 WHERE id = $2::uuid AND enabled AND deleted_at IS NULL;

-- delivery_lock(id): its webhook, whether that is on, and whether it waits or is under way.
SELECT delivery.webhook_id, webhook.enabled AND webhook.deleted_at IS NULL, delivery.ended_at IS NULL, webhook.organisation_id
  FROM delivery
  JOIN webhook ON webhook.id = delivery.webhook_id
 WHERE delivery.id = $1::uuid
   FOR UPDATE OF delivery;

-- delivery_repeat(id): it is sent again, under the same id.
UPDATE delivery
   SET ended_at = NULL, delivered = NULL, due_at = now(), step = 0, leased_until = '-infinity'
 WHERE id = $1::uuid;

-- delivery_repeat_range(webhook, from, to, all, most): what did not arrive, or all, of the events of a time is sent again.
UPDATE delivery
   SET ended_at = NULL, delivered = NULL, due_at = now(), step = 0, leased_until = '-infinity'
 WHERE id IN (SELECT id
                FROM delivery
               WHERE webhook_id = $1::uuid AND happened_at >= $2::timestamptz AND happened_at < $3::timestamptz
                 AND ended_at IS NOT NULL AND (NOT delivered OR $4::boolean)
               LIMIT $5::integer);
