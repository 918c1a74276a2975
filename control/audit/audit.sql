-- Reading the journal. Lists are made from the table of fields in audit_routes.c.

-- journal_entry(id): one entry.
SELECT row_to_json(item) FROM change_item item WHERE id = $1::uuid;

-- journal_chains(org): where each chain ends. A chain is found by its records or by its batches, so that it is missed only when both are gone.
WITH RECURSIVE by_record (chain_id) AS (
    (SELECT chain_id FROM change_seal ORDER BY chain_id LIMIT 1)
     UNION ALL
    SELECT (SELECT next.chain_id FROM change_seal next WHERE next.chain_id > by_record.chain_id ORDER BY next.chain_id LIMIT 1)
      FROM by_record
     WHERE by_record.chain_id IS NOT NULL),
by_batch (chain_id) AS (
    (SELECT chain_id FROM change_batch ORDER BY chain_id LIMIT 1)
     UNION ALL
    SELECT (SELECT next.chain_id FROM change_batch next WHERE next.chain_id > by_batch.chain_id ORDER BY next.chain_id LIMIT 1)
      FROM by_batch
     WHERE by_batch.chain_id IS NOT NULL),
chain AS (SELECT chain_id FROM by_record UNION SELECT chain_id FROM by_batch)
SELECT json_build_object('items', coalesce(json_agg(json_build_object(
           'chain', chain.chain_id, 'organisation', organisation.id, 'key', organisation.key,
           'sequence', coalesce(head.last, 0), 'hash', head.hash, 'sealed_at', rfc3339(head.sealed_at))
           ORDER BY chain.chain_id), '[]'))
  FROM chain
  LEFT JOIN organisation ON organisation.id = chain.chain_id
  LEFT JOIN LATERAL (SELECT last, hash, sealed_at
                       FROM change_batch
                      WHERE change_batch.chain_id = chain.chain_id
                      ORDER BY last DESC
                      LIMIT 1) head ON true
 WHERE chain.chain_id IS NOT NULL
   AND ($1::uuid IS NULL OR chain.chain_id = $1::uuid);

-- journal_batch_at(chain_id, last): the hash of the batch that ends there, and where the chain ends; NULL for what there is not.
SELECT (SELECT hash FROM change_batch WHERE chain_id = $1::uuid AND last = $2::bigint),
       (SELECT max(last) FROM change_batch WHERE chain_id = $1::uuid);

-- journal_export(chain_id, after, limit, bytes): records of a chain behind a sequence and the batches that end in them, a JSON text each, as lines; at least one record when there is one.
WITH sealed AS (
    SELECT s.sequence, s.change_id, s.hash, t.*,
           sum(octet_length(coalesce(t.before, '')) + octet_length(coalesce(t.after, ''))) OVER (ORDER BY s.sequence) AS bytes,
           row_number() OVER (ORDER BY s.sequence) AS place
      FROM (SELECT sequence, change_id, hash
              FROM change_seal
             WHERE chain_id = $1::uuid AND sequence > $2::bigint
             ORDER BY sequence
             LIMIT $3::integer) s
      LEFT JOIN LATERAL (SELECT id, at, request_id, actor_id, actor, credential_id, action, kind, entity, before, after, reason, address
                           FROM change_text
                          WHERE change_text.change_id = s.change_id) t ON true),
page AS (SELECT * FROM sealed WHERE place = 1 OR bytes <= $4::bigint),
lines (sequence, rank, line) AS (
    SELECT sequence, 1,
           CASE WHEN id IS NULL
           THEN json_build_object('missing', json_build_object('chain', $1::uuid, 'sequence', sequence, 'id', change_id, 'hash', hash))
           ELSE json_build_object('record', json_build_object(
                    'chain', $1::uuid, 'sequence', sequence, 'id', id, 'at', at, 'request_id', request_id,
                    'actor_id', actor_id, 'actor', actor, 'credential_id', credential_id, 'action', action, 'kind', kind,
                    'entity', entity, 'before', before, 'after', after, 'reason', reason, 'address', address, 'hash', hash))
           END
      FROM page
     UNION ALL
    SELECT last, 2,
           json_build_object('batch', json_build_object(
               'chain', chain_id, 'first', first, 'last', last, 'count', count,
               'sealed_at', rfc3339_microseconds(sealed_at), 'hash', hash))
      FROM change_batch
     WHERE chain_id = $1::uuid AND last > $2::bigint AND last <= (SELECT max(sequence) FROM page))
SELECT coalesce(string_agg(line::text || E'\n', '' ORDER BY sequence, rank), '') FROM lines;

-- journal_news(after, limit): records that were sealed behind a position, for live clients, and the position to go on from. Before the first position is known, after is -1.
SELECT json_build_object(
           'position', coalesce(max(position), CASE WHEN $1::bigint < 0
                                                    THEN (SELECT coalesce(max(position), 0) FROM change_seal)
                                                    ELSE $1::bigint END),
           'items', coalesce(json_agg(json_build_object(
                       'chain', chain_id, 'kind', kind, 'entity', entity_id, 'version', coalesce(after, before) -> 'version',
                       'changed', json_build_object('journal', json_build_object(
                           'id', id, 'sequence', sequence, 'action', action))) ORDER BY position), '[]'))
  FROM (SELECT position, chain_id, sequence, change_id
          FROM change_seal
         WHERE position > $1::bigint AND $1::bigint >= 0
         ORDER BY position
         LIMIT $2::integer) sealed
  JOIN change ON change.id = sealed.change_id;
