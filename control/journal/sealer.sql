-- What the sealer reads and writes. It has the lead as long as its connection holds the lock.

-- sealer_lock(key): takes the lead for this connection, when nobody has it.
SELECT pg_try_advisory_lock($1::bigint);

-- sealer_look(): up to where all is sealed, the oldest transaction that still runs, the time, and whether there is something to do. A position beyond all transactions comes from a backup of another server: then everything is looked at once.
SELECT CASE WHEN seen.is_foreign THEN 0 ELSE follower.sequence END, seen.oldest,
       rfc3339_microseconds(clock_timestamp()), seen.is_foreign,
       EXISTS (SELECT FROM change
                WHERE xid >= CASE WHEN seen.is_foreign THEN 0 ELSE follower.sequence END::text::xid8
                  AND (xid < seen.next OR seen.is_foreign)
                  AND (SELECT position FROM change_seal WHERE change_id = change.id) IS NULL)
  FROM follower
 CROSS JOIN LATERAL (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest,
                            pg_snapshot_xmax(pg_current_snapshot()) AS next,
                            pg_snapshot_xmax(pg_current_snapshot())::text::bigint < follower.sequence AS is_foreign) seen
 WHERE name = 'sealer';

-- sealer_take(position, is_foreign, limit): what is to be sealed, by chain; `place` is the order of all.
SELECT change_id, chain_id, place, id, at, request_id, actor_id, actor, credential_id, action, kind, entity, before,
       after, reason, address
  FROM (SELECT *, row_number() OVER (ORDER BY arrival) AS place
          FROM (SELECT *
                  FROM change_text
                 WHERE xid >= $1::text::xid8
                   AND (xid < pg_snapshot_xmax(pg_current_snapshot()) OR $2::boolean)
                   -- One look into the index for each: a join would be planned for what the table was.
                   AND (SELECT position FROM change_seal WHERE change_id = change_text.change_id) IS NULL
                 ORDER BY arrival
                 LIMIT $3::integer) taken) placed
 ORDER BY chain_id, place;

-- sealer_position(): the last position.
SELECT coalesce(max(position), 0) FROM change_seal;

-- sealer_heads(chains): where some chains end, in their order.
SELECT coalesce(head.last, 0), head.hash
  FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (chain_id, place)
  LEFT JOIN LATERAL (SELECT last, hash
                       FROM change_batch
                      WHERE change_batch.chain_id = wanted.chain_id
                      ORDER BY last DESC
                      LIMIT 1) head ON true
 ORDER BY place;

-- sealer_seal(positions, chains, sequences, changes, hashes): numbers of records.
INSERT INTO change_seal (position, chain_id, sequence, change_id, hash)
SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::uuid[], $5::text[]);

-- sealer_chain(chains, firsts, lasts, sealed_at, hashes): a batch for each chain.
INSERT INTO change_batch (chain_id, first, last, count, sealed_at, hash)
SELECT chain_id, first, last, last - first + 1, $4::timestamptz, hash
  FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $5::text[]) AS batch (chain_id, first, last, hash);

-- sealer_advance(position): all before is sealed.
UPDATE follower SET sequence = $1 WHERE name = 'sealer';
