-- postgres_database(name): the database of that name, when there is one.
SELECT oid::bigint FROM pg_database WHERE datname = $1;
