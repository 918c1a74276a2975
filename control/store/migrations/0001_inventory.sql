-- What exists (the inventory), who may come in (access), what was changed (the journal) and the settings.
--
-- Each inventory table has a view <table>_item whose columns are the fields of the API's object, in its order: an answer
-- of the API, a journal entry and the body of a 412 are all `row_to_json` of that view. A view shows the living only.
-- organisation_id stands on every row of the inventory, for row-level security, which holds for the views too.

-- Small helpers ---------------------------------------------------------------------------------------------------------

CREATE FUNCTION rfc3339(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

CREATE FUNCTION uuid_nil() RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '00000000-0000-0000-0000-000000000000'::uuid;

-- The inventory ---------------------------------------------------------------------------------------------------------

-- A key is one step of a key path, so it has no slash. Unique among the living of one parent.
CREATE DOMAIN item_key AS text CHECK (VALUE ~ '^[a-z0-9][a-z0-9._-]{0,62}$');
CREATE DOMAIN criticality AS text CHECK (VALUE IN ('critical', 'non_critical', 'informational'));

-- What every item has; copied into each table and dropped at the end.
CREATE TABLE item_columns (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    key item_key NOT NULL,
    name text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 200),
    description text CHECK (octet_length(description) <= 4000),
    attributes jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object'),
    tags text[] NOT NULL DEFAULT '{}' CHECK (cardinality(tags) <= 50),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

-- How the states of the children make the state of the parent (health); copied like item_columns.
CREATE TABLE propagation_columns (
    policy text NOT NULL DEFAULT 'worst' CHECK (policy IN ('worst', 'quorum', 'weighted')),
    min_up integer CHECK (min_up BETWEEN 0 AND 100000),
    operational_at numeric(7, 6) NOT NULL DEFAULT 1 CHECK (operational_at BETWEEN 0 AND 1),
    down_below numeric(7, 6) NOT NULL DEFAULT 0.5 CHECK (down_below BETWEEN 0 AND 1),
    unknown_share numeric(7, 6) NOT NULL DEFAULT 0.5 CHECK (unknown_share BETWEEN 0 AND 1),
    CONSTRAINT quorum_needs_min_up CHECK (policy <> 'quorum' OR min_up IS NOT NULL)
);

CREATE TABLE organisation (
    LIKE item_columns INCLUDING ALL,
    time_zone text NOT NULL DEFAULT 'UTC',
    CHECK (organisation_id = id)
);

CREATE TABLE business_unit (
    LIKE item_columns INCLUDING ALL,
    parent_id uuid REFERENCES business_unit,
    FOREIGN KEY (organisation_id) REFERENCES organisation
);

CREATE TABLE system (
    LIKE item_columns INCLUDING ALL,
    LIKE propagation_columns INCLUDING ALL,
    business_unit_id uuid NOT NULL REFERENCES business_unit,
    criticality criticality NOT NULL DEFAULT 'critical',
    lifecycle text NOT NULL DEFAULT 'live' CHECK (lifecycle IN ('planned', 'live', 'sunset', 'retired'))
);

CREATE TABLE environment_group (
    LIKE item_columns INCLUDING ALL,
    LIKE propagation_columns INCLUDING ALL,
    business_unit_id uuid NOT NULL REFERENCES business_unit,
    kind text NOT NULL
        CHECK (kind IN ('dev', 'test', 'sit', 'uat', 'staging', 'prod', 'dr', 'ephemeral', 'other')),
    tier text,
    "order" integer NOT NULL DEFAULT 0
);

CREATE TABLE instance (
    LIKE item_columns INCLUDING ALL,
    LIKE propagation_columns INCLUDING ALL,
    system_id uuid NOT NULL REFERENCES system,
    environment_group_id uuid NOT NULL REFERENCES environment_group,
    url text,
    lifecycle text NOT NULL DEFAULT 'active'
        CHECK (lifecycle IN ('requested', 'provisioning', 'active', 'suspended', 'retired')),
    criticality criticality NOT NULL DEFAULT 'critical',
    weight integer NOT NULL DEFAULT 1 CHECK (weight BETWEEN 0 AND 1000)
);

CREATE TABLE component_definition (
    LIKE item_columns INCLUDING ALL,
    system_id uuid NOT NULL REFERENCES system,
    kind text NOT NULL CHECK (kind IN ('service', 'web', 'db', 'queue', 'cache', 'host', 'batch', 'dataset',
                                       'config', 'infra', 'other')),
    repository text
);

CREATE TABLE component (
    LIKE item_columns INCLUDING ALL,
    LIKE propagation_columns INCLUDING ALL,
    instance_id uuid NOT NULL REFERENCES instance,
    definition_id uuid NOT NULL REFERENCES component_definition,
    host text,
    slice text NOT NULL DEFAULT 'none' CHECK (slice IN ('none', 'blue', 'green')),
    criticality criticality NOT NULL DEFAULT 'critical',
    weight integer NOT NULL DEFAULT 1 CHECK (weight BETWEEN 0 AND 1000)
);

-- A change of a check gets the next plan_revision, also when it is deleted: the prober's plan follows that number.
CREATE SEQUENCE plan_revision;

CREATE TABLE health_check (
    LIKE item_columns INCLUDING ALL,
    component_id uuid NOT NULL REFERENCES component,
    kind text NOT NULL,
    spec jsonb NOT NULL CHECK (jsonb_typeof(spec) = 'object'),
    interval_s integer NOT NULL CHECK (interval_s BETWEEN 1 AND 86400),
    retry_interval_s integer NOT NULL CHECK (retry_interval_s BETWEEN 1 AND 86400),
    timeout_ms integer NOT NULL CHECK (timeout_ms BETWEEN 1 AND interval_s * 1000),
    fall integer NOT NULL CHECK (fall BETWEEN 1 AND 20),
    rise integer NOT NULL CHECK (rise BETWEEN 1 AND 20),
    unknown_after integer NOT NULL CHECK (unknown_after BETWEEN 1 AND 20),
    stale_after_s integer NOT NULL CHECK (stale_after_s >= 1),
    flap boolean NOT NULL DEFAULT false,
    severity text NOT NULL DEFAULT 'down' CHECK (severity IN ('down', 'degraded')),
    locations text[] NOT NULL DEFAULT '{default}' CHECK (cardinality(locations) >= 1),
    enabled boolean NOT NULL DEFAULT true,
    plan_revision bigint NOT NULL
);

DROP TABLE item_columns, propagation_columns;

-- Keys are unique among the living of one parent. Business units are a tree, but their keys are unique in the whole
-- organisation, so that a key path never depends on how deep a unit lies.
CREATE UNIQUE INDEX organisation_key ON organisation (key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX business_unit_key ON business_unit (organisation_id, key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX system_key ON system (business_unit_id, key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX environment_group_key ON environment_group (business_unit_id, key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX instance_key ON instance (system_id, key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX component_definition_key ON component_definition (system_id, key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX component_key ON component (instance_id, key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX health_check_key ON health_check (component_id, key) WHERE deleted_at IS NULL;

-- The other ways down to children; the first parent's way is the index of its keys.
CREATE INDEX business_unit_parent ON business_unit (parent_id) WHERE deleted_at IS NULL;
CREATE INDEX instance_environment_group ON instance (environment_group_id) WHERE deleted_at IS NULL;
CREATE INDEX component_definition_use ON component (definition_id) WHERE deleted_at IS NULL;
CREATE INDEX health_check_plan_revision ON health_check (plan_revision);

-- Each write of an item makes a new version.
CREATE FUNCTION item_next_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    NEW.updated_at := now();
    RETURN NEW;
END $$;

CREATE TRIGGER next_version BEFORE UPDATE ON organisation FOR EACH ROW EXECUTE FUNCTION item_next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON business_unit FOR EACH ROW EXECUTE FUNCTION item_next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON system FOR EACH ROW EXECUTE FUNCTION item_next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON environment_group FOR EACH ROW EXECUTE FUNCTION item_next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON instance FOR EACH ROW EXECUTE FUNCTION item_next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON component_definition FOR EACH ROW EXECUTE FUNCTION item_next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON component FOR EACH ROW EXECUTE FUNCTION item_next_version();
CREATE TRIGGER next_version BEFORE UPDATE ON health_check FOR EACH ROW EXECUTE FUNCTION item_next_version();

CREATE FUNCTION health_check_next_plan_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.plan_revision := nextval('plan_revision');
    RETURN NEW;
END $$;

CREATE TRIGGER next_plan_revision BEFORE INSERT OR UPDATE ON health_check
    FOR EACH ROW EXECUTE FUNCTION health_check_next_plan_revision();

-- Whether one of an item's texts has the words somewhere, without regard to case.
CREATE FUNCTION item_mentions(words text, key text, name text, description text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN strpos(lower(key || ' ' || name || ' ' || coalesce(description, '')), lower(words)) > 0;

-- The API's objects ----------------------------------------------------------------------------------------------------

CREATE VIEW organisation_item WITH (security_invoker = true) AS
SELECT id, key, name, description, attributes, tags, time_zone,
       version, rfc3339(created_at) AS created_at, rfc3339(updated_at) AS updated_at
  FROM organisation
 WHERE deleted_at IS NULL;

CREATE VIEW business_unit_item WITH (security_invoker = true) AS
SELECT id, key, name, description, attributes, tags, organisation_id AS organisation, parent_id AS parent,
       version, rfc3339(created_at) AS created_at, rfc3339(updated_at) AS updated_at
  FROM business_unit
 WHERE deleted_at IS NULL;

CREATE VIEW system_item WITH (security_invoker = true) AS
SELECT id, key, name, description, attributes, tags, business_unit_id AS business_unit, criticality, lifecycle,
       policy, min_up, trim_scale(operational_at) AS operational_at, trim_scale(down_below) AS down_below,
       trim_scale(unknown_share) AS unknown_share,
       version, rfc3339(created_at) AS created_at, rfc3339(updated_at) AS updated_at
  FROM system
 WHERE deleted_at IS NULL;

CREATE VIEW environment_group_item WITH (security_invoker = true) AS
SELECT id, key, name, description, attributes, tags, business_unit_id AS business_unit, kind, tier, "order",
       policy, min_up, trim_scale(operational_at) AS operational_at, trim_scale(down_below) AS down_below,
       trim_scale(unknown_share) AS unknown_share,
       version, rfc3339(created_at) AS created_at, rfc3339(updated_at) AS updated_at
  FROM environment_group
 WHERE deleted_at IS NULL;

CREATE VIEW instance_item WITH (security_invoker = true) AS
SELECT id, key, name, description, attributes, tags, system_id AS system,
       environment_group_id AS environment_group, url, lifecycle, criticality, weight,
       policy, min_up, trim_scale(operational_at) AS operational_at, trim_scale(down_below) AS down_below,
       trim_scale(unknown_share) AS unknown_share,
       version, rfc3339(created_at) AS created_at, rfc3339(updated_at) AS updated_at
  FROM instance
 WHERE deleted_at IS NULL;

CREATE VIEW component_definition_item WITH (security_invoker = true) AS
SELECT id, key, name, description, attributes, tags, system_id AS system, kind, repository,
       version, rfc3339(created_at) AS created_at, rfc3339(updated_at) AS updated_at
  FROM component_definition
 WHERE deleted_at IS NULL;

CREATE VIEW component_item WITH (security_invoker = true) AS
SELECT id, key, name, description, attributes, tags, instance_id AS instance, definition_id AS definition,
       host, slice, criticality, weight,
       policy, min_up, trim_scale(operational_at) AS operational_at, trim_scale(down_below) AS down_below,
       trim_scale(unknown_share) AS unknown_share,
       version, rfc3339(created_at) AS created_at, rfc3339(updated_at) AS updated_at
  FROM component
 WHERE deleted_at IS NULL;

CREATE VIEW health_check_item WITH (security_invoker = true) AS
SELECT id, key, name, description, attributes, tags, component_id AS component, kind, spec, interval_s,
       retry_interval_s, timeout_ms, fall, rise, unknown_after, stale_after_s, flap, severity, locations, enabled,
       version, rfc3339(created_at) AS created_at, rfc3339(updated_at) AS updated_at
  FROM health_check
 WHERE deleted_at IS NULL;

-- The journal ------------------------------------------------------------------------------------------------------------

-- Writers insert without a sequence, so that no commit waits for another; a sealer numbers the rows per organisation.
CREATE TABLE change (
    id uuid PRIMARY KEY,
    sequence bigint,
    organisation_id uuid, -- null: the installation as a whole
    request_id text,
    actor_id uuid, -- null: the service itself
    actor text NOT NULL,
    action text NOT NULL,
    kind text NOT NULL,
    entity_id uuid NOT NULL,
    before jsonb,
    after jsonb,
    reason text,
    at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX change_entity ON change (entity_id, id);
CREATE INDEX change_unsealed ON change (id) WHERE sequence IS NULL;

-- The settings: one row ---------------------------------------------------------------------------------------------------

CREATE TABLE settings (
    id uuid PRIMARY KEY,
    only_row boolean NOT NULL DEFAULT true UNIQUE CHECK (only_row),
    webhook_url text,
    result_days integer NOT NULL DEFAULT 30 CHECK (result_days BETWEEN 1 AND 3660),
    sample_days integer NOT NULL DEFAULT 90 CHECK (sample_days BETWEEN 1 AND 3660),
    event_days integer NOT NULL DEFAULT 400 CHECK (event_days BETWEEN 1 AND 3660),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TRIGGER next_version BEFORE UPDATE ON settings FOR EACH ROW EXECUTE FUNCTION item_next_version();

INSERT INTO settings (id) VALUES (gen_random_uuid());

-- Access ----------------------------------------------------------------------------------------------------------------

-- Who acts: a person or a program. Permissions are the words of control/permissions.h; '*' is all of them.
CREATE TABLE principal (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 200),
    permissions text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz
);

-- Secrets are 190 bits or more from the system's random source, so a plain SHA-256 of them is enough.
CREATE TABLE api_key (
    id uuid PRIMARY KEY,
    principal_id uuid NOT NULL REFERENCES principal,
    name text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 200),
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);

CREATE VIEW api_key_item WITH (security_invoker = true) AS
SELECT id, name, scopes, principal_id AS owner, rfc3339(created_at) AS created_at, rfc3339(expires_at) AS expires_at,
       rfc3339(last_used_at) AS last_used_at
  FROM api_key
 WHERE revoked_at IS NULL;

CREATE TABLE session (
    id uuid PRIMARY KEY,
    principal_id uuid NOT NULL REFERENCES principal,
    api_key_id uuid REFERENCES api_key, -- signed in with this key: no more rights and no longer life than it has
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);

CREATE INDEX session_expiry ON session (expires_at);
CREATE INDEX session_api_key ON session (api_key_id) WHERE api_key_id IS NOT NULL;

CREATE TABLE sign_in_link (
    hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    principal_id uuid NOT NULL REFERENCES principal,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
