-- The journal says from where something was done: the client's address, behind a proxy that is listed the one it names. NULL: the
-- service itself, or before this was noted. It is sealed with the rest (include/contract/journal_chain.h).

ALTER TABLE change ADD COLUMN address text CHECK (octet_length(address) BETWEEN 1 AND 64);

CREATE OR REPLACE VIEW change_text WITH (security_invoker = true) AS
SELECT id AS change_id, xid, arrival, coalesce(organisation_id, uuid_nil()) AS chain_id,
       id::text AS id, rfc3339_microseconds(at) AS at, request_id, actor_id::text AS actor_id, actor,
       credential_id::text AS credential_id, action, kind, entity_id::text AS entity,
       before::text AS before, after::text AS after, reason, address
  FROM change;

DROP VIEW change_item;
DROP VIEW change_base;

CREATE VIEW change_base WITH (security_invoker = true) AS
SELECT change.*, change_seal.sequence, NULL::timestamptz AS deleted_at,
       coalesce(after ->> 'key', before ->> 'key') AS key, coalesce(after ->> 'name', before ->> 'name') AS name,
       reason AS description
  FROM change
  LEFT JOIN change_seal ON change_seal.change_id = change.id;

CREATE VIEW change_item WITH (security_invoker = true) AS
SELECT id, organisation_id AS organisation, sequence, rfc3339(at) AS at, action, kind, entity_id AS entity, actor,
       actor_id, credential_id, address, request_id, change_fields(before, after) AS changes, before, after, reason
  FROM change_base;
