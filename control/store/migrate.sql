-- schema_lock(key): takes the lock of migrations for this connection, when it is free.
SELECT pg_try_advisory_lock($1::bigint);

-- schema_unlock(key): gives the lock of migrations back.
SELECT pg_advisory_unlock($1::bigint);

-- schema_exists(): whether this database has ever been migrated.
SELECT to_regclass('schema_migration') IS NOT NULL;

-- schema_applied(): the migrations that this database has, in order.
SELECT number, name, checksum FROM schema_migration ORDER BY number;

-- schema_role(): who uses this connection, and whether no policy can hold for such a role.
SELECT rolname::text, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user;

-- schema_grant(role): gives the service's role its rights, and its walls.
SELECT grant_to_service($1), wall_in_service($1);

-- schema_note(number, name, checksum, program): writes down a migration that has just run.
INSERT INTO schema_migration (number, name, checksum, program) VALUES ($1, $2, $3, $4);
