-- Whose rows a statement sees and may write (row-level security): those of one organisation, or all. The setting em.org says
-- which: the id of an organisation; '*' for the service itself and for who belongs to no organisation; anything else, or
-- nothing at all, sees no row, so that a statement whose connection was not told whom it serves finds nothing.
--
-- This is the wall behind the conditions of the statements, against one that forgets them. It is none against statements of
-- somebody's own: who can send those can also set em.org.

CREATE FUNCTION sees_all() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(current_setting('em.org', true) = '*', false);

-- NULL: none, or all. What has the length of a UUID and is none is an error.
CREATE FUNCTION seen_organisation() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE length(current_setting('em.org', true)) WHEN 36 THEN nullif(current_setting('em.org', true)::uuid, uuid_nil()) END;

-- Lets a table show the rows for which `own` is true to their organisation. Each of the two functions is a sub-select of its own,
-- which is run once for a statement and not once for a row.
CREATE FUNCTION show_own_rows(name text, own text DEFAULT 'organisation_id = (SELECT seen_organisation())') RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('DROP POLICY IF EXISTS own_rows ON %I', name);
    EXECUTE format('CREATE POLICY own_rows ON %I USING ((SELECT sees_all()) OR %s)', name, own);
END $$;

-- Who belongs to an organisation ----------------------------------------------------------------------------------------

-- NULL: to none, and sees all of them. A key is narrower than its owner or as wide, never wider.
ALTER TABLE principal ADD COLUMN organisation_id uuid REFERENCES organisation;
ALTER TABLE api_key ADD COLUMN organisation_id uuid REFERENCES organisation;

CREATE INDEX api_key_organisation ON api_key (organisation_id) WHERE organisation_id IS NOT NULL;

DROP VIEW IF EXISTS api_key_item;
CREATE VIEW api_key_item WITH (security_invoker = true) AS
SELECT id, name, organisation_id AS organisation, scopes, principal_id AS owner, rfc3339(created_at) AS created_at,
       rfc3339(expires_at) AS expires_at, rfc3339(last_used_at) AS last_used_at
  FROM api_key
 WHERE revoked_at IS NULL;

-- What a credential is worth: the rights that key and owner both have, in the organisation that both may act in. Nothing
-- where these are two.
CREATE VIEW key_rights WITH (security_invoker = true) AS
SELECT api_key.id, api_key.hash, principal.id AS principal_id, principal.name, api_key.expires_at,
       array_to_string(principal.permissions, ' ') AS permissions, array_to_string(api_key.scopes, ' ') AS scopes,
       coalesce(api_key.organisation_id, principal.organisation_id) AS organisation_id
  FROM api_key
  JOIN principal ON principal.id = api_key.principal_id
 WHERE api_key.revoked_at IS NULL
   AND coalesce(api_key.expires_at > now(), true)
   AND principal.disabled_at IS NULL
   AND coalesce(api_key.organisation_id = principal.organisation_id, true);

-- One that was opened with a key has no more than the key, and ends with it.
CREATE VIEW session_rights WITH (security_invoker = true) AS
SELECT session.id, session.hash, principal.id AS principal_id, principal.name, session.last_used_at,
       least(session.expires_at, key_rights.expires_at) AS expires_at,
       array_to_string(principal.permissions, ' ') AS permissions, coalesce(key_rights.scopes, '*') AS scopes,
       coalesce(key_rights.organisation_id, principal.organisation_id) AS organisation_id
  FROM session
  JOIN principal ON principal.id = session.principal_id
  LEFT JOIN key_rights ON key_rights.id = session.api_key_id
 WHERE session.expires_at > now()
   AND principal.disabled_at IS NULL
   AND (session.api_key_id IS NULL OR key_rights.id IS NOT NULL);

-- The same principal may have keys of several organisations: an answer is kept for one of them.
ALTER TABLE idempotency_answer ADD COLUMN organisation_id uuid;

-- The walls -------------------------------------------------------------------------------------------------------------

-- As before, and with its wall; so is what has a history from now on.
--
-- What lies behind a policy is found by an index only with operators that are known not to tell of the values they see, which those
-- of ranges and arrays are not. A view that reads with the rights of its owner, whom no policy holds, and has the policy's condition
-- itself, finds by all of them:
--   <item>_history_seen  what one sees of <item>_history
CREATE OR REPLACE FUNCTION item_history_renew(item text, forgotten text[] DEFAULT '{}') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    columns text;
    values_before text;
    shape text := regexp_replace(pg_get_viewdef((item || '_item')::regclass), ';\s*$', '');
BEGIN
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum),
           string_agg(CASE WHEN attname = ANY (forgotten) THEN 'NULL' ELSE 'OLD.' || quote_ident(attname) END, ', '
                      ORDER BY attnum)
      INTO columns, values_before
      FROM pg_attribute
     WHERE attrelid = item::regclass AND attnum > 0 AND NOT attisdropped;

    EXECUTE format('CREATE TABLE IF NOT EXISTS %I (valid tstzrange NOT NULL, LIKE %I)', item || '_history', item);
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I (id)', item || '_history_id', item || '_history');
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I USING gist (valid)', item || '_history_valid', item || '_history');
    PERFORM show_own_rows(item), show_own_rows(item || '_history');
    EXECUTE format('CREATE OR REPLACE VIEW %I AS SELECT * FROM %I'
                   ' WHERE (SELECT sees_all()) OR organisation_id = (SELECT seen_organisation())',
                   item || '_history_seen', item || '_history');

    EXECUTE format('CREATE OR REPLACE FUNCTION %I() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            INSERT INTO %I (valid, %s) VALUES (tstzrange(OLD.updated_at, NEW.updated_at), %s);
            RETURN NULL;
        END $body$', item || '_keep_history', item || '_history', columns, values_before);
    EXECUTE format('CREATE OR REPLACE TRIGGER keep_history AFTER UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION %I()',
                   item, item || '_keep_history');

    EXECUTE format('CREATE OR REPLACE FUNCTION %I(moment timestamptz) RETURNS SETOF %I LANGUAGE sql STABLE AS $body$
        SELECT %s FROM %I WHERE updated_at <= moment
         UNION ALL
        SELECT %s FROM %I WHERE valid @> moment $body$', item || '_at', item, columns, item, columns, item || '_history_seen');
    IF shape !~ format('\mFROM %s\M', item) THEN
        RAISE EXCEPTION 'the view of % does not read from its table alone', item;
    END IF;
    EXECUTE format('CREATE OR REPLACE FUNCTION %I(moment timestamptz) RETURNS SETOF %I LANGUAGE sql STABLE AS $body$ %s $body$',
                   item || '_item_at', item || '_item',
                   regexp_replace(shape, format('\mFROM %s\M', item), format('FROM %I(moment) %I', item || '_at', item)));
END $$;

SELECT item_history_renew(item, '{secrets,heartbeat_token}')
  FROM unnest(ARRAY['organisation', 'business_unit', 'system', 'environment_group', 'instance', 'component_definition',
                    'component', 'health_check']) item;

-- Of all organisations: it finds by ranges, too.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION item_history_drop(timestamptz, integer) SECURITY DEFINER SET search_path = %I, pg_temp',
                   current_schema);
END $$;

SELECT show_own_rows(name)
  FROM unnest(ARRAY['maintenance_window', 'change', 'principal', 'api_key', 'idempotency_answer', 'webhook']) name;

SELECT show_own_rows(name, 'chain_id = (SELECT seen_organisation())') FROM unnest(ARRAY['change_seal', 'change_batch']) name;

-- What the engine writes with each result and each state takes on no column for this: the check or thing that it is about is found
-- by its key, and has a policy of its own. Measured for a page of 1,000 states, that is 7 % slower than a column, and for who sees all
-- nothing is looked for.
SELECT show_own_rows(name, format('EXISTS (SELECT FROM health_check item WHERE item.id = %I.check_id)', name))
  FROM unnest(ARRAY['check_state', 'result_ring', 'result_kept', 'sample_chunk', 'announcement']) name;

SELECT show_own_rows('entity_status', $$CASE kind
    WHEN 'check' THEN EXISTS (SELECT FROM health_check item WHERE item.id = entity_id)
    WHEN 'component' THEN EXISTS (SELECT FROM component item WHERE item.id = entity_id)
    WHEN 'instance' THEN EXISTS (SELECT FROM instance item WHERE item.id = entity_id)
    WHEN 'environment_group' THEN EXISTS (SELECT FROM environment_group item WHERE item.id = entity_id)
    WHEN 'system' THEN EXISTS (SELECT FROM system item WHERE item.id = entity_id)
    WHEN 'business_unit' THEN EXISTS (SELECT FROM business_unit item WHERE item.id = entity_id)
    WHEN 'organisation' THEN EXISTS (SELECT FROM organisation item WHERE item.id = entity_id)
END$$);

SELECT show_own_rows('status_event', '(SELECT seen_organisation()) = ANY (scope)');

CREATE VIEW status_event_seen AS
SELECT * FROM status_event WHERE (SELECT sees_all()) OR (SELECT seen_organisation()) = ANY (scope);

SELECT show_own_rows(name, format('EXISTS (SELECT FROM webhook WHERE webhook.id = %I.webhook_id)', name))
  FROM unnest(ARRAY['webhook_status', 'delivery']) name;
SELECT show_own_rows('delivery_attempt', 'EXISTS (SELECT FROM delivery WHERE delivery.id = delivery_id)');

-- The bound on webhooks is one for all organisations, whoever counts.
CREATE FUNCTION webhook_total() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    seen text := current_setting('em.org', true);
    total bigint;
BEGIN
    PERFORM set_config('em.org', '*', true);
    SELECT count(*) INTO total FROM webhook WHERE deleted_at IS NULL;
    PERFORM set_config('em.org', seen, true);
    RETURN total;
END $$;

-- The conditions that views had for this are those of the tables now.
CREATE OR REPLACE VIEW change_base WITH (security_invoker = true) AS
SELECT change.*, change_seal.sequence, NULL::timestamptz AS deleted_at,
       coalesce(after ->> 'key', before ->> 'key') AS key, coalesce(after ->> 'name', before ->> 'name') AS name,
       reason AS description
  FROM change
  LEFT JOIN change_seal ON change_seal.change_id = change.id;

-- Policies do not hold for the owner of a table, which is somebody else than the service with the embedded server, and where
-- --database-owner is given. Where the service is the owner itself, they are made to hold for it; run by the owner at each start.
CREATE FUNCTION wall_in_service(role text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    walled regclass;
    is_owner boolean := role = current_user;
BEGIN
    FOR walled IN
        SELECT oid FROM pg_class
         WHERE relnamespace = current_schema::regnamespace AND pg_has_role(relowner, 'USAGE')
           AND relrowsecurity AND relforcerowsecurity <> is_owner
    LOOP
        EXECUTE format('ALTER TABLE %s %s ROW LEVEL SECURITY', walled, CASE WHEN is_owner THEN 'FORCE' ELSE 'NO FORCE' END);
    END LOOP;
END $$;
