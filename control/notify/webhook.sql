-- Webhooks: the rows that people write.

-- webhook_get(id): one as the API shows it, and its version.
SELECT row_to_json(item), item.version FROM webhook_item item WHERE id = $1::uuid;

-- webhook_lock(id): the same with what only we see, and makes other writers wait.
SELECT row_to_json(item), item.version, base.organisation_id, base.secret
  FROM webhook_item item
  JOIN webhook base USING (id)
 WHERE id = $1::uuid
   FOR UPDATE OF base;

-- webhook_count(): how many there are, of all organisations.
SELECT webhook_total();

-- webhook_organisation(organisation): whether there is such a living organisation.
SELECT id FROM organisation WHERE id = $1::uuid AND deleted_at IS NULL;

-- webhook_insert(id, organisation, name, description, url, events, filter, enabled, concurrency, secret): a new one.
INSERT INTO webhook (id, organisation_id, name, description, url, events, filter, enabled, concurrency, secret)
VALUES ($1::uuid, $2::uuid, $3, $4, $5, $6::text[], $7, $8::boolean, $9::integer, $10);

-- webhook_update(id, name, description, url, events, filter, enabled, concurrency): writes the new state; who switches it on or off takes back what the service did.
UPDATE webhook
   SET name = $2, description = $3, url = $4, events = $5::text[], filter = $6, enabled = $7::boolean, concurrency = $8::integer,
       disabled_reason = CASE WHEN enabled = $7::boolean THEN disabled_reason END,
       listens_since = CASE WHEN $7::boolean AND NOT enabled THEN now() ELSE listens_since END,
       disabled_at = CASE WHEN enabled = $7::boolean THEN disabled_at WHEN $7::boolean THEN NULL ELSE now() END
 WHERE id = $1::uuid;

-- webhook_rotate(id, secret, overlap_s): a new secret; the one before signs too for a while.
UPDATE webhook
   SET earlier_secret = CASE WHEN $3::integer > 0 THEN secret END,
       earlier_secret_until = CASE WHEN $3::integer > 0 THEN now() + make_interval(secs => $3::integer) END,
       secret = $2
 WHERE id = $1::uuid;

-- webhook_delete(id): softly.
UPDATE webhook SET deleted_at = now() WHERE id = $1::uuid;

-- webhook_restore(id): takes that back; but there is one of the settings at most.
UPDATE webhook SET deleted_at = NULL, is_of_settings = false, listens_since = now() WHERE id = $1::uuid AND deleted_at IS NOT NULL RETURNING organisation_id;

-- webhook_switch_off(id, reason): the service does it; answers the organisation when it was on.
UPDATE webhook
   SET enabled = false, disabled_reason = $2, disabled_at = now()
 WHERE id = $1::uuid AND enabled AND deleted_at IS NULL
RETURNING organisation_id;

-- webhook_drop_waiting(id): what waits for one that is switched off will not be sent.
UPDATE delivery
   SET ended_at = now(), delivered = false, last_error = CASE WHEN attempts = 0 THEN 'The webhook was switched off before it was sent.'
                                                               ELSE 'The webhook was switched off before it was sent again.' END
 WHERE webhook_id = $1::uuid AND ended_at IS NULL;

-- webhooks_load(most): those that are on, for the sender.
SELECT id, organisation_id, url, array_to_json(events)::text, filter, secret, earlier_secret, earlier_secret_until, concurrency, listens_since
  FROM webhook
 WHERE enabled AND deleted_at IS NULL
 ORDER BY id
 LIMIT $1::integer;

-- webhook_load(id): one, for a replay.
SELECT id, organisation_id, url, array_to_json(events)::text, filter, secret, earlier_secret, earlier_secret_until, concurrency, listens_since
  FROM webhook
 WHERE id = $1::uuid AND enabled AND deleted_at IS NULL;
