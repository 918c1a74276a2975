-- schema_lock(key): takes the lock of migrations for this connection, when it is free.
SELECT pg_try_advisory_lock($1::bigint);

-- schema_unlock(key): gives the lock of migrations back.
SELECT pg_advisory_unlock($1::bigint);

-- schema_exists(): whether this database has ever been migrated.
SELECT to_regclass('schema_migration') IS NOT NULL;

-- schema_applied(): the migrations that this database has, in order.
SELECT number, name, checksum FROM schema_migration ORDER BY number;

-- schema_role(): who uses this connection.
SELECT current_user::text;

-- schema_grant(role): gives the service's role its rights.
SELECT grant_to_service($1);

-- schema_note(number, name, checksum, program): writes down a migration that has just run.
INSERT INTO schema_migration (number, name, checksum, program) VALUES ($1, $2, $3, $4);
