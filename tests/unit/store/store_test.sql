-- test_echo(text, integer, number, flag, id, bytes, at): gives back one value of each type.
SELECT $1::text, $2::bigint, $3::float8, $4::boolean, $5::uuid, $6::bytea, $7::timestamptz;

-- test_echo_arrays(texts, integers, numbers, flags, ids, bytes, ats): gives back the elements of arrays as rows.
SELECT * FROM unnest($1::text[], $2::bigint[], $3::float8[], $4::boolean[], $5::uuid[], $6::bytea[], $7::timestamptz[]);

-- test_echo_small(small, plain, single, document, binary_document): types that need a cast on the way in.
SELECT $1::smallint, $2::integer, $3::real, $4::json, $5::jsonb;

-- test_insert(id, name): a row with a unique name and a positive id.
INSERT INTO thing (id, name) VALUES ($1, $2);

-- test_find(id): a row.
SELECT name FROM thing WHERE id = $1;

-- test_count(): how many rows there are.
SELECT count(*) FROM thing;

-- test_wrong(): a statement that cannot be.
SELECT nothing FROM nowhere;

-- test_sleep(seconds): a slow statement.
SELECT pg_sleep($1::float8)::text;

-- test_update(id, name): changes a row.
UPDATE thing SET name = $2 WHERE id = $1;

-- test_kill_others(): ends every other session of the database.
SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();

-- test_json(number): a document and its version, as READ routes have them.
SELECT json_build_object('number', $1::int, 'org', current_setting('em.org', true)), 7 WHERE $1::int >= 0;

-- test_divide(by): fails for 0.
SELECT (1 / $1::int)::text;

-- test_things(): all columns of a table whose columns change.
SELECT * FROM thing;

-- test_things_json(): the same for the pipeline.
SELECT row_to_json(t)::text, t.* FROM thing t LIMIT 1;

-- test_rows(): whose rows the connection sees.
SELECT current_setting('em.org', true);
