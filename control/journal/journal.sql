-- The journal: written with each change, read as the history of one entity.

-- change_insert(request_id, actor_id, actor, ids, actions, kinds, entity_ids, organisation_ids, before, after, reasons, credential_id, address): records changes of one author; the nil organisation is none.
INSERT INTO change (id, request_id, actor_id, actor, credential_id, action, kind, entity_id, organisation_id, before, after, reason, address)
SELECT entry.id, $1, $2::uuid, $3, nullif($12::uuid, uuid_nil()), action, kind, entity_id, nullif(organisation_id, uuid_nil()),
       before::jsonb, after::jsonb, reason, nullif($13, '')
  FROM unnest($4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::uuid[], $9::text[], $10::text[], $11::text[])
       AS entry (id, action, kind, entity_id, organisation_id, before, after, reason);

-- journal_key(): the key that secrets are hashed with.
SELECT key FROM installation_key WHERE name = 'journal';

-- change_page(id, limit, cursor): what happened to one entity, the newest first.
SELECT json_build_object(
           'items', coalesce(json_agg(row_to_json(page.item) ORDER BY place) FILTER (WHERE place <= $2::integer), '[]'),
           'next', CASE WHEN count(*) > $2::integer THEN (array_agg((page.item).id ORDER BY place))[$2::integer] END)
  FROM (SELECT item, row_number() OVER (ORDER BY id DESC) AS place
          FROM change_item item
         WHERE entity = $1::uuid
           AND ($3::uuid IS NULL OR id < $3::uuid)
         ORDER BY id DESC
         LIMIT $2::integer + 1) page;
