-- While a hold is on, nothing of the history is dropped for its age: what may be evidence stays.

ALTER TABLE settings ADD COLUMN hold boolean NOT NULL DEFAULT false;

-- How many days each kind of history is kept; NULL, and so older than nothing, while a hold is on.
CREATE VIEW kept_days WITH (security_invoker = true) AS
SELECT CASE WHEN NOT hold THEN result_days END AS results,
       CASE WHEN NOT hold THEN sample_days END AS samples,
       CASE WHEN NOT hold THEN event_days END AS events,
       CASE WHEN NOT hold THEN 30 END AS deliveries
  FROM settings;
