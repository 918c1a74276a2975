-- Health: what the engine knows of each check and entity, the history of results and of states, and maintenance windows.
--
-- The engine is the only writer of all but maintenance_window. It writes a batch again when a commit's fate is unknown,
-- so each of its statements gives the same rows when run twice. No foreign keys into the inventory: a result may arrive
-- while its check is being deleted; rows of what is gone are dropped by the retention job.

-- What is remembered of a check between two results (control/health/check_codec.c), rewritten with each of them. Only
-- columns without an index change, so with room in the page an update stays in it.
CREATE TABLE check_state (
    check_id uuid PRIMARY KEY,
    results bigint NOT NULL, -- received in all; the next one's place in the ring is this modulo 100
    state bytea NOT NULL
) WITH (fillfactor = 50);

-- The last 100 results of a check in full, as on the bus (contract/bus.h): bounded by construction.
CREATE TABLE result_ring (
    check_id uuid NOT NULL,
    slot smallint NOT NULL CHECK (slot BETWEEN 0 AND 99),
    at timestamptz NOT NULL,
    prober_id uuid NOT NULL,
    record bytea NOT NULL,
    PRIMARY KEY (check_id, slot)
) WITH (fillfactor = 80);

-- Results kept in full for longer: the outcome differs from the one before, or it is the first of its hour.
CREATE TABLE result_kept (
    check_id uuid NOT NULL,
    at timestamptz NOT NULL,
    prober_id uuid NOT NULL,
    record bytea NOT NULL,
    PRIMARY KEY (check_id, at)
);

CREATE INDEX result_kept_at ON result_kept USING brin (at);

-- All results, 96 at a time, packed to time, verdict, outcome and total (control/health/samples.c).
CREATE TABLE sample_chunk (
    check_id uuid NOT NULL,
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    samples bytea NOT NULL,
    PRIMARY KEY (check_id, from_at)
);

CREATE INDEX sample_chunk_to_at ON sample_chunk USING brin (to_at);

-- The present state of everything that has one. `version` rises by one with each visible change.
CREATE TABLE entity_status (
    entity_id uuid PRIMARY KEY,
    kind text NOT NULL,
    state text NOT NULL,
    measured text NOT NULL, -- as if there were no maintenance
    since timestamptz NOT NULL,
    version bigint NOT NULL,
    reason text NOT NULL,
    partial_maintenance boolean NOT NULL,
    under_maintenance boolean NOT NULL
) WITH (fillfactor = 70);

-- Every change of a state. The engine gives the sequence, without gaps and in the order of commits. `at` is when it
-- became so (a run of bad verdicts dates back to its first), `noted_at` when the engine decided it.
CREATE TABLE status_event (
    seq bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    noted_at timestamptz NOT NULL,
    kind text NOT NULL,
    entity_id uuid NOT NULL,
    entity_key text NOT NULL,
    entity_name text NOT NULL,
    scope uuid[] NOT NULL, -- the entity and everything above it
    from_state text NOT NULL,
    to_state text NOT NULL,
    version bigint NOT NULL,
    reason text NOT NULL
);

CREATE INDEX status_event_entity ON status_event (entity_id, seq);
CREATE INDEX status_event_scope ON status_event USING gin (scope);
CREATE INDEX status_event_at ON status_event USING brin (at);

-- What there is to tell people about a check (problem, recovery …), after maintenance and flapping held it back.
CREATE TABLE announcement (
    seq bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    check_id uuid NOT NULL,
    message text NOT NULL,
    state text NOT NULL
);

CREATE INDEX announcement_check ON announcement (check_id, seq);

-- How far the results of each start of each prober are committed; written in their transaction, so that none counts
-- twice. `lost` counts sequence numbers that the prober had to give up.
CREATE TABLE ingest_position (
    prober_id uuid NOT NULL,
    boot_id bigint NOT NULL,
    acked_seq bigint NOT NULL,
    lost bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (prober_id, boot_id)
);

CREATE TABLE maintenance_window (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES organisation,
    scope_kind text NOT NULL CHECK (scope_kind IN ('component', 'instance', 'environment_group', 'system')),
    scope_id uuid NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
    ended_at timestamptz, -- ended early
    reason text CHECK (octet_length(reason) <= 1000),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

CREATE INDEX maintenance_window_scope ON maintenance_window (scope_id) WHERE deleted_at IS NULL;
CREATE INDEX maintenance_window_ends ON maintenance_window (ends_at) WHERE deleted_at IS NULL;

CREATE TRIGGER next_version BEFORE UPDATE ON maintenance_window FOR EACH ROW EXECUTE FUNCTION item_next_version();

CREATE VIEW maintenance_window_item WITH (security_invoker = true) AS
SELECT id, json_build_object(scope_kind, scope_id) AS scope, rfc3339(starts_at) AS starts_at,
       rfc3339(ends_at) AS ends_at, reason, rfc3339(ended_at) AS ended_at,
       version, rfc3339(created_at) AS created_at, rfc3339(updated_at) AS updated_at
  FROM maintenance_window
 WHERE deleted_at IS NULL;

-- What the engine loads: everything that has a state, in one shape. `parent_id` is one step up the key path, `group_id`
-- the second parent of an instance; `facts` are the members that GET /tree shows of that kind, as a JSON object. A
-- threshold comes as millionths.
CREATE VIEW health_node WITH (security_invoker = true) AS
SELECT 1 AS rank, 'organisation' AS kind, id, key::text, name, version, created_at,
       NULL::uuid AS parent_id, NULL::uuid AS group_id, 'critical'::text AS criticality, 1 AS weight,
       'worst'::text AS policy, 0 AS min_up, 1000000 AS operational_at, 500000 AS down_below, 500000 AS unknown_share,
       '{}'::text AS facts
  FROM organisation
 WHERE deleted_at IS NULL
 UNION ALL
SELECT 2, 'business_unit', id, key::text, name, version, created_at,
       coalesce(parent_id, organisation_id), NULL, 'critical', 1, 'worst', 0, 1000000, 500000, 500000, '{}'
  FROM business_unit
 WHERE deleted_at IS NULL
 UNION ALL
SELECT 3, 'system', id, key::text, name, version, created_at,
       business_unit_id, NULL, criticality::text, 1, policy, coalesce(min_up, 0),
       (operational_at * 1000000)::integer, (down_below * 1000000)::integer, (unknown_share * 1000000)::integer,
       json_build_object('criticality', criticality)::text
  FROM system
 WHERE deleted_at IS NULL
 UNION ALL
SELECT 4, 'environment_group', id, key::text, name, version, created_at,
       business_unit_id, NULL, 'critical', 1, policy, coalesce(min_up, 0),
       (operational_at * 1000000)::integer, (down_below * 1000000)::integer, (unknown_share * 1000000)::integer,
       json_build_object('group_kind', kind, 'tier', tier, 'order', "order")::text
  FROM environment_group
 WHERE deleted_at IS NULL
 UNION ALL
SELECT 5, 'instance', id, key::text, name, version, created_at,
       system_id, environment_group_id, criticality::text, weight, policy, coalesce(min_up, 0),
       (operational_at * 1000000)::integer, (down_below * 1000000)::integer, (unknown_share * 1000000)::integer,
       json_build_object('criticality', criticality, 'environment_group', environment_group_id, 'url', url)::text
  FROM instance
 WHERE deleted_at IS NULL
 UNION ALL
SELECT 6, 'component', c.id, c.key::text, c.name, c.version, c.created_at,
       c.instance_id, NULL, c.criticality::text, c.weight, c.policy, coalesce(c.min_up, 0),
       (c.operational_at * 1000000)::integer, (c.down_below * 1000000)::integer, (c.unknown_share * 1000000)::integer,
       json_build_object('criticality', c.criticality, 'definition', c.definition_id, 'component_kind', d.kind,
                         'host', c.host, 'slice', c.slice)::text
  FROM component c JOIN component_definition d ON d.id = c.definition_id
 WHERE c.deleted_at IS NULL
 UNION ALL
SELECT 7, 'check', id, key::text, name, version, created_at,
       component_id, NULL, 'critical', 1, 'worst', 0, 1000000, 500000, 500000,
       json_build_object('check_kind', kind, 'enabled', enabled, 'interval_s', interval_s)::text
  FROM health_check
 WHERE deleted_at IS NULL;
