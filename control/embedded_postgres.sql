-- postgres_has(database, role): whether there are a database and a role of these names.
SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1), EXISTS (SELECT FROM pg_roles WHERE rolname = $2);
