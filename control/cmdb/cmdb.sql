-- Reads of the inventory: <kind>_get is one object with its version. The views <table>_item give the objects their shape.
-- Lists are made from item_listings.c, writes from item_types.c.

-- organisation_get(id): organisation by id.
SELECT row_to_json(item), version
  FROM organisation_item item
 WHERE id = $1::uuid;

-- business_unit_get(id): business unit by id.
SELECT row_to_json(item), version
  FROM business_unit_item item
 WHERE id = $1::uuid;

-- system_get(id): system by id.
SELECT row_to_json(item), version
  FROM system_item item
 WHERE id = $1::uuid;

-- environment_group_get(id): environment group by id.
SELECT row_to_json(item), version
  FROM environment_group_item item
 WHERE id = $1::uuid;

-- instance_get(id): instance by id.
SELECT row_to_json(item), version
  FROM instance_item item
 WHERE id = $1::uuid;

-- component_definition_get(id): component definition by id.
SELECT row_to_json(item), version
  FROM component_definition_item item
 WHERE id = $1::uuid;

-- component_get(id): component by id.
SELECT row_to_json(item), version
  FROM component_item item
 WHERE id = $1::uuid;

-- check_item(id): check by id for a writer, with what only writers see beside it.
SELECT row_to_json(item), item.version, '/hooks/heartbeats/' || c.heartbeat_token, c.secrets::text
  FROM health_check_item item
  JOIN health_check c ON c.id = item.id
 WHERE item.id = $1::uuid;

-- check_secrets_find(id): the spec of a check with its masks, and what they stand for.
SELECT kind, spec::text, secrets::text
  FROM health_check
 WHERE id = $1::uuid AND deleted_at IS NULL AND secrets IS NOT NULL;

-- heartbeat_rotate(id): another path for the calls of a heartbeat's target; the old one leads nowhere from then on.
UPDATE health_check
   SET heartbeat_token = heartbeat_token_new()
 WHERE id = $1::uuid AND heartbeat_token IS NOT NULL AND deleted_at IS NULL;

-- time_zone_find(name): a row when there is a zone of that name.
SELECT 1 WHERE $1::text = 'UTC' -- the default, found without a look at all the zone files
UNION ALL
SELECT 1 FROM pg_timezone_names WHERE name = $1::text
LIMIT 1;

-- organisation_hold(id): makes other moves of business units in the organisation wait.
SELECT id FROM organisation WHERE id = $1::uuid FOR NO KEY UPDATE;

-- business_unit_lies_in(id, ancestor): a row when the unit is the other one or lies in it at any depth.
WITH RECURSIVE above AS (
    SELECT id, parent_id FROM business_unit WHERE id = $1::uuid
    UNION
    SELECT unit.id, unit.parent_id FROM business_unit unit JOIN above ON unit.id = above.parent_id)
SELECT 1 FROM above WHERE id = $2::uuid;

-- check_free_key(component_id, stem): the stem, or the first of stem-2, stem-3, … that no check of the component has.
SELECT candidate
  FROM (SELECT n, CASE n WHEN 1 THEN $2::text ELSE $2::text || '-' || n END AS candidate
          FROM generate_series(1, 1000) n) numbered
 WHERE NOT EXISTS (SELECT FROM health_check
                    WHERE component_id = $1::uuid AND key = candidate AND deleted_at IS NULL)
 ORDER BY n
 LIMIT 1;
