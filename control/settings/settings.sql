-- The settings of the installation: one row.

-- settings_lock(): makes other writers wait.
SELECT id FROM settings FOR UPDATE;

-- settings_get(): the settings as the API shows them, and their version.
SELECT json_build_object(
           'webhook', json_build_object('url', (SELECT url FROM webhook WHERE is_of_settings AND deleted_at IS NULL)),
           'retention', json_build_object('result_days', result_days, 'sample_days', sample_days,
                                          'event_days', event_days, 'hold', hold),
           'version', version,
           'updated_at', rfc3339(updated_at)),
       version
  FROM settings;

-- settings_update(result_days, sample_days, event_days, hold): writes the new state.
UPDATE settings SET result_days = $1, sample_days = $2, event_days = $3, hold = $4;

-- settings_webhook_drop(url): there is no webhook of the settings any more, unless it stays with the address.
WITH gone AS (
    UPDATE webhook
       SET deleted_at = now()
     WHERE is_of_settings AND deleted_at IS NULL AND url IS DISTINCT FROM $1
    RETURNING id)
UPDATE delivery
   SET ended_at = now(), delivered = false, last_error = 'The webhook was taken out of the settings before it was sent.'
  FROM gone
 WHERE webhook_id = gone.id AND ended_at IS NULL;

-- settings_webhook_set(id, url): the webhook of the settings, told of changes of states; one that is there is switched on.
INSERT INTO webhook (id, name, url, events, secret, is_of_settings)
VALUES ($1::uuid, 'Settings', $2, '{health.status_changed}', webhook_secret(), true)
    ON CONFLICT (is_of_settings) WHERE is_of_settings AND deleted_at IS NULL
    DO UPDATE SET enabled = true, disabled_reason = NULL, disabled_at = NULL,
                  listens_since = CASE WHEN webhook.enabled THEN webhook.listens_since ELSE now() END;

-- settings_installation(): the row's id, which no other installation has.
SELECT id FROM settings;

-- rate_limits_load(): all limits for the program's own use; 0 is none.
SELECT class, subject, coalesce(quota, 0), window_s, version FROM rate_limit;

-- rate_limits_look(): the same in one text.
SELECT json_agg(json_build_array(class, subject, coalesce(quota, 0), window_s, version)) FROM rate_limit;

-- rate_limits_page(): all limits as the API shows them.
SELECT json_build_object('items', json_agg(row_to_json(item) ORDER BY item.class, item.subject), 'next', NULL)
  FROM rate_limit_item item;

-- rate_limit_get(id): one limit, and its version.
SELECT row_to_json(item), version FROM rate_limit_item item WHERE id = $1::uuid;

-- rate_limit_lock(id): the same, and makes other writers wait.
SELECT row_to_json(item), item.version
  FROM rate_limit_item item
  JOIN rate_limit base USING (id)
 WHERE id = $1::uuid
   FOR UPDATE OF base;

-- rate_limit_update(id, quota, window_s): writes the new state; a quota of 0 is no limit.
UPDATE rate_limit SET quota = nullif($2::bigint, 0), window_s = $3 WHERE id = $1::uuid;

-- settings_history(limit, cursor): what happened to them, the newest first.
SELECT json_build_object(
           'items', coalesce(json_agg(row_to_json(page.item) ORDER BY place) FILTER (WHERE place <= $1::integer), '[]'),
           'next', CASE WHEN count(*) > $1::integer THEN (array_agg((page.item).id ORDER BY place))[$1::integer] END)
  FROM (SELECT item, row_number() OVER (ORDER BY id DESC) AS place
          FROM change_item item
         WHERE entity = (SELECT id FROM settings)
           AND ($2::uuid IS NULL OR id < $2::uuid)
         ORDER BY id DESC
         LIMIT $1::integer + 1) page;
