-- The list of what was applied, and the settings that everything else stands on.

CREATE TABLE schema_migration (
    number integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL, -- of the file, so that an applied file is never edited unnoticed
    program text NOT NULL,  -- the version that applied it
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- Random identifiers for rows that SQL itself makes; programs make version 7 ones. PostgreSQL has gen_random_uuid() built
-- in since version 13, so no extension is needed.

-- Trigram search for `q=` and `contains`, and ranges combined with equality in exclusion constraints. Both are trusted
-- extensions: the owner of the database may create them.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gist;
