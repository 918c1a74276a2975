-- The journal gets its order: who writes a change inserts it and waits for nobody; a sealer (control/journal/sealer.h) numbers
-- what is committed and chains it. Nothing here is ever updated or deleted, so that taking a record away, changing, moving or
-- adding one shows (include/contract/journal_chain.h says how the hashes are made).

ALTER TABLE change DROP COLUMN IF EXISTS sequence; -- with its index

-- The key or session that was used on behalf of the actor; null: the service itself, or before this was noted.
ALTER TABLE change ADD COLUMN credential_id uuid;

-- When it was written and by which transaction: what the sealer goes by.
ALTER TABLE change ADD COLUMN arrival bigint GENERATED ALWAYS AS IDENTITY;
ALTER TABLE change ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();

CREATE INDEX change_xid ON change (xid);
CREATE INDEX change_organisation ON change (organisation_id, id);

-- One row per record. A chain is that of an organisation; the nil UUID is that of the installation as a whole.
CREATE TABLE change_seal (
    position bigint PRIMARY KEY, -- over all chains, without gaps: what followers count by
    chain_id uuid NOT NULL,
    sequence bigint NOT NULL CHECK (sequence > 0), -- in its chain, without gaps
    change_id uuid NOT NULL UNIQUE,
    hash text NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$'),
    UNIQUE (chain_id, sequence)
);

-- One row per batch of a chain. Its hash takes in the hash of the batch before.
CREATE TABLE change_batch (
    chain_id uuid NOT NULL,
    first bigint NOT NULL CHECK (first > 0),
    last bigint NOT NULL CHECK (last >= first),
    count bigint NOT NULL CHECK (count > 0),
    sealed_at timestamptz NOT NULL,
    hash text NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$'),
    PRIMARY KEY (chain_id, last)
);

-- Up to which transaction all is sealed.
INSERT INTO follower (name, sequence) VALUES ('sealer', 0);

-- 244 random bits: keys of this installation, for what must be told apart without being shown.
CREATE TABLE installation_key (
    name text PRIMARY KEY,
    key bytea NOT NULL CHECK (octet_length(key) = 32)
);

INSERT INTO installation_key (name, key)
VALUES ('journal', sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

CREATE FUNCTION rfc3339_microseconds(at timestamptz) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

-- A change as the texts that are hashed.
CREATE VIEW change_text WITH (security_invoker = true) AS
SELECT id AS change_id, xid, arrival, coalesce(organisation_id, uuid_nil()) AS chain_id,
       id::text AS id, rfc3339_microseconds(at) AS at, request_id, actor_id::text AS actor_id, actor,
       credential_id::text AS credential_id, action, kind, entity_id::text AS entity,
       before::text AS before, after::text AS after, reason
  FROM change;

-- Who may do what -------------------------------------------------------------------------------------------------------

CREATE FUNCTION journal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of %: the journal is only ever added to', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON change
    FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON change_seal
    FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON change_batch
    FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only();

-- Gives the service's role what it needs of all there is, and of the journal only INSERT and SELECT; run by the owner at each
-- start. Where the service is the owner itself, it gives up what it needs not: the owner could take it back, a superuser
-- needs no right, and for both there is the trigger.
CREATE FUNCTION grant_to_service(role text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    tables text;
    sequences text;
BEGIN
    IF role <> current_user THEN
        -- Only ours: others may have put something of their own here.
        SELECT string_agg(oid::regclass::text, ', ') FILTER (WHERE relkind IN ('r', 'p', 'v', 'm')),
               string_agg(oid::regclass::text, ', ') FILTER (WHERE relkind = 'S')
          INTO tables, sequences
          FROM pg_class
         WHERE relnamespace = current_schema::regnamespace AND pg_has_role(relowner, 'USAGE');
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema, role);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I', tables, role);
        EXECUTE format('GRANT USAGE ON SEQUENCE %s TO %I', sequences, role);
        EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON schema_migration, installation_key FROM %I', role);
    END IF;
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON change, change_seal, change_batch FROM %I', role);
END $$;

-- Reading -----------------------------------------------------------------------------------------------------------------

-- What an update changed, member by member: [{pointer, from, to}]. Lists count as one value; what the service keeps itself is
-- left out. Nothing for what was created or deleted.
CREATE FUNCTION change_fields(before jsonb, after jsonb) RETURNS json LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    WITH RECURSIVE pair (pointer, was, becomes) AS (
        SELECT '', before, after
         WHERE before IS NOT NULL AND after IS NOT NULL
         UNION ALL
        SELECT pair.pointer || '/' || replace(replace(name, '~', '~0'), '/', '~1'), was -> name, becomes -> name
          FROM pair
         CROSS JOIN LATERAL (
                   SELECT jsonb_object_keys(CASE jsonb_typeof(was) WHEN 'object' THEN was ELSE '{}' END)
                    UNION
                   SELECT jsonb_object_keys(CASE jsonb_typeof(becomes) WHEN 'object' THEN becomes ELSE '{}' END)) member (name)
         WHERE jsonb_typeof(was) = 'object' AND jsonb_typeof(becomes) = 'object'
           AND was -> name IS DISTINCT FROM becomes -> name)
    SELECT coalesce(json_agg(json_build_object('pointer', pointer, 'from', was, 'to', becomes) ORDER BY pointer), '[]')
      FROM pair
     WHERE (jsonb_typeof(was) = 'object' AND jsonb_typeof(becomes) = 'object') IS NOT TRUE
       AND pointer NOT IN ('/version', '/updated_at')
$$;

-- Entries as lists find them (`base`) and show them (`item`), within what the connection may see.
CREATE VIEW change_base WITH (security_invoker = true) AS
SELECT change.*, change_seal.sequence, NULL::timestamptz AS deleted_at,
       coalesce(after ->> 'key', before ->> 'key') AS key, coalesce(after ->> 'name', before ->> 'name') AS name,
       reason AS description
  FROM change
  LEFT JOIN change_seal ON change_seal.change_id = change.id
 WHERE nullif(current_setting('em.org', true), '') IS NULL
    OR organisation_id = nullif(current_setting('em.org', true), '')::uuid;

CREATE VIEW change_item WITH (security_invoker = true) AS
SELECT id, organisation_id AS organisation, sequence, rfc3339(at) AS at, action, kind, entity_id AS entity, actor,
       actor_id, credential_id, request_id, change_fields(before, after) AS changes, before, after, reason
  FROM change_base;
