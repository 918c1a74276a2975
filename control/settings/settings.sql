-- The settings of the installation: one row.

-- settings_load(): the settings for the program's own use.
SELECT webhook_url, result_days, sample_days, event_days FROM settings;

-- settings_lock(): makes other writers wait.
SELECT id FROM settings FOR UPDATE;

-- settings_get(): the settings as the API shows them, and their version.
SELECT json_build_object(
           'webhook', json_build_object('url', webhook_url),
           'retention', json_build_object('result_days', result_days, 'sample_days', sample_days,
                                          'event_days', event_days),
           'version', version,
           'updated_at', rfc3339(updated_at)),
       version
  FROM settings;

-- settings_update(webhook_url, result_days, sample_days, event_days): writes the new state.
UPDATE settings SET webhook_url = $1, result_days = $2, sample_days = $3, event_days = $4;
