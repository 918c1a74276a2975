-- Outbound webhooks: who wants to hear of what, and what was sent to them.
--
-- What happens comes in two streams, each with positions that only rise: `change`, the sealed records of the journal, and
-- `status`, the changes of states. A follower (control/notify) reads both and makes a delivery for each webhook that wants
-- the event. An event and a webhook have one delivery, however often they are looked at.

CREATE TABLE webhook (
    id uuid PRIMARY KEY,
    organisation_id uuid REFERENCES organisation, -- null: of the installation, so it may hear of everything
    name text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 200),
    description text CHECK (octet_length(description) <= 4000),
    url text NOT NULL CHECK (octet_length(url) <= 2048),
    events text[] NOT NULL CHECK (cardinality(events) BETWEEN 1 AND 50), -- types, "system.*" or "*"
    filter text CHECK (octet_length(filter) <= 2000), -- as the query string of a list
    enabled boolean NOT NULL DEFAULT true,
    disabled_reason text CHECK (disabled_reason IN ('gone', 'failing')), -- null: people did
    disabled_at timestamptz,
    concurrency integer NOT NULL DEFAULT 4 CHECK (concurrency BETWEEN 1 AND 16),
    secret text NOT NULL, -- base64
    earlier_secret text, -- signs too, until the time
    earlier_secret_until timestamptz,
    listens_since timestamptz NOT NULL DEFAULT now(), -- it was made or switched on: of what was before it hears by replays
    is_of_settings boolean NOT NULL DEFAULT false, -- the one that the settings name
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

CREATE UNIQUE INDEX webhook_of_settings ON webhook (is_of_settings) WHERE is_of_settings AND deleted_at IS NULL;
CREATE INDEX webhook_organisation ON webhook (organisation_id);
CREATE TRIGGER next_version BEFORE UPDATE ON webhook FOR EACH ROW EXECUTE FUNCTION item_next_version();

-- What the service notes of a webhook, beside what people say of it.
CREATE TABLE webhook_status (
    webhook_id uuid PRIMARY KEY REFERENCES webhook,
    failing_since timestamptz, -- the first failure since something arrived
    last_delivered_at timestamptz,
    last_error text CHECK (octet_length(last_error) <= 1024),
    dropped bigint NOT NULL DEFAULT 0, -- events without a delivery, because too many were waiting
    version bigint NOT NULL DEFAULT 1
);

CREATE FUNCTION webhook_status_begin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook_status (webhook_id) VALUES (NEW.id);
    RETURN NULL;
END $$;

CREATE TRIGGER begin_status AFTER INSERT ON webhook FOR EACH ROW EXECUTE FUNCTION webhook_status_begin();

-- 244 random bits of a secret, in base64.
CREATE FUNCTION webhook_secret() RETURNS text LANGUAGE sql VOLATILE
RETURN encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'base64');

-- The address in the settings becomes a webhook as others are.
INSERT INTO webhook (id, name, url, events, secret, is_of_settings)
SELECT gen_random_uuid(), 'Settings', webhook_url, '{health.status_changed}', webhook_secret(), true
  FROM settings
 WHERE webhook_url IS NOT NULL;

ALTER TABLE settings DROP COLUMN webhook_url;

-- Deliveries ---------------------------------------------------------------------------------------------------------------

DROP INDEX delivery_due;
ALTER TABLE delivery RENAME COLUMN event TO type;
ALTER TABLE delivery ALTER COLUMN payload TYPE text; -- the bytes that are signed
ALTER TABLE delivery ADD COLUMN webhook_id uuid REFERENCES webhook;
ALTER TABLE delivery ADD COLUMN stream text CHECK (stream IN ('change', 'status'));
ALTER TABLE delivery ADD COLUMN position bigint; -- in its stream; null: a test
ALTER TABLE delivery ADD COLUMN happened_at timestamptz; -- the event
ALTER TABLE delivery ADD COLUMN step integer NOT NULL DEFAULT 0; -- of the schedule
ALTER TABLE delivery ADD COLUMN leased_until timestamptz NOT NULL DEFAULT '-infinity'; -- somebody sends it

DELETE FROM delivery WHERE NOT EXISTS (SELECT FROM webhook);
UPDATE delivery
   SET webhook_id = (SELECT id FROM webhook), stream = 'status',
       position = (payload::jsonb -> 'data' ->> 'seq')::bigint, happened_at = created_at;
ALTER TABLE delivery ALTER COLUMN webhook_id SET NOT NULL;
ALTER TABLE delivery ALTER COLUMN happened_at SET NOT NULL;

CREATE UNIQUE INDEX delivery_event ON delivery (webhook_id, stream, position);
CREATE INDEX delivery_waiting ON delivery (webhook_id, due_at, position) WHERE ended_at IS NULL;
CREATE INDEX delivery_happened ON delivery (webhook_id, happened_at);

CREATE TABLE delivery_attempt (
    delivery_id uuid NOT NULL REFERENCES delivery ON DELETE CASCADE,
    number integer NOT NULL,
    at timestamptz NOT NULL,
    duration_ms integer NOT NULL,
    status integer, -- null: no reply
    error text CHECK (octet_length(error) <= 1024), -- null: it arrived
    reply text CHECK (octet_length(reply) <= 4096), -- its beginning
    PRIMARY KEY (delivery_id, number)
);

UPDATE follower SET name = 'webhook.status' WHERE name = 'notify';
INSERT INTO follower (name, sequence) SELECT 'webhook.change', coalesce(max(position), 0) FROM change_seal;

-- What can be told: each event with what filters may ask for, and its payload ------------------------------------------------

CREATE FUNCTION past_tense(action text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN action || CASE WHEN action LIKE '%e' THEN 'd' ELSE 'ed' END;

-- What something is part of, gone or not.
CREATE FUNCTION entity_parents(entity uuid) RETURNS SETOF uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT organisation_id FROM business_unit WHERE id = entity
     UNION ALL
    SELECT parent_id FROM business_unit WHERE id = entity
     UNION ALL
    SELECT business_unit_id FROM system WHERE id = entity
     UNION ALL
    SELECT business_unit_id FROM environment_group WHERE id = entity
     UNION ALL
    SELECT unnest(ARRAY[system_id, environment_group_id]) FROM instance WHERE id = entity
     UNION ALL
    SELECT system_id FROM component_definition WHERE id = entity
     UNION ALL
    SELECT unnest(ARRAY[instance_id, definition_id]) FROM component WHERE id = entity
     UNION ALL
    SELECT component_id FROM health_check WHERE id = entity
     UNION ALL
    SELECT scope_id FROM maintenance_window WHERE id = entity
$$;

-- An entity and all it is part of.
CREATE FUNCTION entity_scope(entity uuid, organisation uuid) RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
    WITH RECURSIVE above (id) AS (
        SELECT id FROM (VALUES (entity), (organisation)) own (id) WHERE id IS NOT NULL
         UNION
        SELECT parent FROM above CROSS JOIN LATERAL entity_parents(above.id) parent WHERE parent IS NOT NULL)
    SELECT array_agg(id) FROM above
$$;

-- Tags and attributes of what has a state.
CREATE FUNCTION entity_labels(kind text, entity uuid) RETURNS TABLE (tags text[], attributes jsonb)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT tags, attributes FROM organisation WHERE id = entity AND kind = 'organisation'
     UNION ALL
    SELECT tags, attributes FROM business_unit WHERE id = entity AND kind = 'business_unit'
     UNION ALL
    SELECT tags, attributes FROM system WHERE id = entity AND kind = 'system'
     UNION ALL
    SELECT tags, attributes FROM environment_group WHERE id = entity AND kind = 'environment_group'
     UNION ALL
    SELECT tags, attributes FROM instance WHERE id = entity AND kind = 'instance'
     UNION ALL
    SELECT tags, attributes FROM component WHERE id = entity AND kind = 'component'
     UNION ALL
    SELECT tags, attributes FROM health_check WHERE id = entity AND kind = 'check'
$$;

CREATE VIEW change_event WITH (security_invoker = true) AS
SELECT 'change'::text AS stream, position, at, kind || '.' || past_tense(action) AS type, kind, entity_id AS entity,
       organisation_id AS organisation, object ->> 'key' AS key, object ->> 'name' AS name, reason AS description,
       actor, NULL::text AS from_state, NULL::text AS to_state,
       entity_scope(entity_id, organisation_id) AS scope,
       CASE jsonb_typeof(object -> 'tags') WHEN 'array'
            THEN ARRAY(SELECT jsonb_array_elements_text(object -> 'tags')) ELSE '{}' END AS tags,
       coalesce(object -> 'attributes', '{}') AS attributes,
       json_build_object(
           'kind', kind, 'id', entity_id, 'organisation', organisation_id, 'key', object -> 'key', 'name', object -> 'name',
           'action', action, 'actor', actor, 'actor_id', actor_id, 'request_id', request_id, 'reason', reason,
           'version', object -> 'version', 'changes', change_fields(before, after), 'before', before, 'after', after) AS data
  FROM (SELECT change.*, change_seal.position, coalesce(after, before) AS object
          FROM change_seal
          JOIN change ON change.id = change_seal.change_id) sealed;

CREATE VIEW status_event_told WITH (security_invoker = true) AS
SELECT 'status'::text AS stream, seq AS position, at, 'health.status_changed'::text AS type, kind, entity_id AS entity,
       (SELECT id FROM organisation WHERE id = ANY (scope)) AS organisation, entity_key AS key, entity_name AS name,
       reason AS description, 'environment-manager'::text AS actor, from_state, to_state, scope,
       coalesce((SELECT tags FROM entity_labels(kind, entity_id)), '{}') AS tags,
       coalesce((SELECT attributes FROM entity_labels(kind, entity_id)), '{}') AS attributes,
       json_build_object(
           'seq', seq, 'kind', kind, 'id', entity_id, 'key', entity_key, 'name', entity_name, 'from', from_state,
           'to', to_state, 'at', rfc3339(at), 'version', version, 'reason', reason) AS data
  FROM status_event;

-- The API's objects ----------------------------------------------------------------------------------------------------

CREATE VIEW webhook_base WITH (security_invoker = true) AS
SELECT *, name AS key FROM webhook;

CREATE VIEW webhook_item WITH (security_invoker = true) AS
SELECT id, organisation_id AS organisation, name, description, url, events, filter, enabled, disabled_reason,
       rfc3339(disabled_at) AS disabled_at, concurrency, rfc3339(earlier_secret_until) AS earlier_secret_until, version,
       rfc3339(created_at) AS created_at, rfc3339(updated_at) AS updated_at
  FROM webhook
 WHERE deleted_at IS NULL;

CREATE VIEW delivery_base WITH (security_invoker = true) AS
SELECT delivery.*, type AS key, type AS name, last_error AS description, NULL::timestamptz AS deleted_at,
       CASE WHEN ended_at IS NULL THEN 'waiting' WHEN delivered THEN 'delivered' ELSE 'failed' END AS state
  FROM delivery;

CREATE VIEW delivery_item WITH (security_invoker = true) AS
SELECT id, webhook_id AS webhook, type, stream, position, state, rfc3339(happened_at) AS happened_at,
       rfc3339(created_at) AS created_at, attempts, CASE WHEN ended_at IS NULL THEN rfc3339(due_at) END AS due_at,
       rfc3339(ended_at) AS ended_at, last_status, last_error
  FROM delivery_base;

-- Replays ask for events by their time.
CREATE INDEX change_at ON change USING brin (at);
