-- What the server itself keeps: answers that may be asked for again.

-- idempotency_find(lock, principal_id, key_hash): whether nobody else is at it, and the answer that was given, if any.
SELECT pg_try_advisory_xact_lock($1::bigint), answer.request_hash, answer.status, answer.sealed
  FROM (VALUES (1)) one
  LEFT JOIN idempotency_answer answer
    ON principal_id = $2::uuid AND key_hash = $3::bytea AND created_at > now() - interval '24 hours';

-- idempotency_keep(principal_id, key_hash, request_hash, status, sealed, organisation_id): keeps the answer; no row when somebody else was faster.
INSERT INTO idempotency_answer (principal_id, key_hash, request_hash, status, sealed, organisation_id)
VALUES ($1::uuid, $2::bytea, $3::bytea, $4, $5::bytea, nullif($6::uuid, uuid_nil()))
    ON CONFLICT (principal_id, key_hash) DO UPDATE
   SET request_hash = excluded.request_hash, status = excluded.status, sealed = excluded.sealed, created_at = now()
 WHERE idempotency_answer.created_at <= now() - interval '24 hours';
