-- postgres_has(database, role): whether there are a database and a role of these names.
SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1), EXISTS (SELECT FROM pg_roles WHERE rolname = $2);

-- backup_is_walled(): whether whoever makes a backup sees only the rows that em.org says.
SELECT coalesce(row_security_active(to_regclass('organisation')), false);
