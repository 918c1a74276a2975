-- Where the chains of the journal end is told to webhooks, so that it is kept elsewhere: who alters the journal and all its hashes
-- cannot alter that. Once an hour a row for each chain that has grown since the last one (control/notify); a third stream
-- beside `change` and `status`.

CREATE TABLE journal_head (
    position bigint PRIMARY KEY, -- over all chains, only rising
    chain_id uuid NOT NULL,
    sequence bigint NOT NULL CHECK (sequence > 0),
    hash text NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$'),
    sealed_at timestamptz NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX journal_head_chain ON journal_head (chain_id, position);
CREATE INDEX journal_head_at ON journal_head USING brin (at);

SELECT show_own_rows('journal_head', 'chain_id = (SELECT seen_organisation())');

INSERT INTO follower (name, sequence) VALUES ('webhook.head', 0);

ALTER TABLE delivery DROP CONSTRAINT delivery_stream_check;
ALTER TABLE delivery ADD CONSTRAINT delivery_stream_check CHECK (stream IN ('change', 'status', 'head'));

-- Its data has the form of the last line of an export, for `emctl audit verify --heads`.
CREATE VIEW journal_head_event WITH (security_invoker = true) AS
SELECT 'head'::text AS stream, position, at, 'journal.head'::text AS type, 'organisation'::text AS kind, chain_id AS entity,
       organisation.id AS organisation, key, name, NULL::text AS description, 'environment-manager'::text AS actor,
       NULL::text AS from_state, NULL::text AS to_state, ARRAY[chain_id] AS scope, coalesce(tags, '{}') AS tags,
       coalesce(attributes, '{}') AS attributes,
       json_build_object('heads', json_build_array(json_build_object(
           'chain', chain_id, 'organisation', organisation.id, 'key', key, 'sequence', sequence, 'hash', hash,
           'sealed_at', rfc3339(sealed_at)))) AS data
  FROM journal_head
  LEFT JOIN organisation ON organisation.id = chain_id;
