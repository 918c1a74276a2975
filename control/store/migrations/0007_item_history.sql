-- The inventory as it stood: each item keeps its earlier versions, with the time that each was the newest. A moment is a
-- whole millisecond, as the API shows it, so that as_of=<updated_at> finds what was written then.

CREATE OR REPLACE FUNCTION item_next_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    -- Not now(), which is when the transaction began: another one may have written since.
    NEW.updated_at := greatest(date_trunc('milliseconds', clock_timestamp()), OLD.updated_at + interval '1 millisecond');
    RETURN NEW;
END $$;

-- Gives a table of items its history, or a new shape to both of these after the table or its view has changed (a new column
-- must be added to the history, too):
--   <item>_history       earlier versions; what is `forgotten` of them (secrets) is NULL there
--   <item>_at(moment)    the table as it stood
--   <item>_item_at(moment)  the view as it stood
CREATE FUNCTION item_history_renew(item text, forgotten text[] DEFAULT '{}') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    columns text;
    values_before text;
    shape text := regexp_replace(pg_get_viewdef((item || '_item')::regclass), ';\s*$', '');
BEGIN
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum),
           string_agg(CASE WHEN attname = ANY (forgotten) THEN 'NULL' ELSE 'OLD.' || quote_ident(attname) END, ', '
                      ORDER BY attnum)
      INTO columns, values_before
      FROM pg_attribute
     WHERE attrelid = item::regclass AND attnum > 0 AND NOT attisdropped;

    EXECUTE format('CREATE TABLE IF NOT EXISTS %I (valid tstzrange NOT NULL, LIKE %I)', item || '_history', item);
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I (id)', item || '_history_id', item || '_history');
    EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I USING gist (valid)', item || '_history_valid', item || '_history');

    EXECUTE format('CREATE OR REPLACE FUNCTION %I() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            INSERT INTO %I (valid, %s) VALUES (tstzrange(OLD.updated_at, NEW.updated_at), %s);
            RETURN NULL;
        END $body$', item || '_keep_history', item || '_history', columns, values_before);
    EXECUTE format('CREATE OR REPLACE TRIGGER keep_history AFTER UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION %I()',
                   item, item || '_keep_history');

    EXECUTE format('CREATE OR REPLACE FUNCTION %I(moment timestamptz) RETURNS SETOF %I LANGUAGE sql STABLE AS $body$
        SELECT %s FROM %I WHERE updated_at <= moment
         UNION ALL
        SELECT %s FROM %I WHERE valid @> moment $body$', item || '_at', item, columns, item, columns, item || '_history');
    IF shape !~ format('\mFROM %s\M', item) THEN
        RAISE EXCEPTION 'the view of % does not read from its table alone', item;
    END IF;
    EXECUTE format('CREATE OR REPLACE FUNCTION %I(moment timestamptz) RETURNS SETOF %I LANGUAGE sql STABLE AS $body$ %s $body$',
                   item || '_item_at', item || '_item',
                   regexp_replace(shape, format('\mFROM %s\M', item), format('FROM %I(moment) %I', item || '_at', item)));
END $$;

DO $$
DECLARE
    item text;
BEGIN
    FOREACH item IN ARRAY ARRAY['organisation', 'business_unit', 'system', 'environment_group', 'instance',
                                'component_definition', 'component', 'health_check'] LOOP
        EXECUTE format('ALTER TABLE %I ALTER created_at SET DEFAULT date_trunc(''milliseconds'', now()),'
                       ' ALTER updated_at SET DEFAULT date_trunc(''milliseconds'', now())', item);
        PERFORM item_history_renew(item, '{secrets,heartbeat_token}');
    END LOOP;
END $$;

-- Drops at most so many versions that were no longer the newest at that time; a row for each.
CREATE FUNCTION item_history_drop(before timestamptz, most integer) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
DECLARE
    item text;
    dropped integer;
BEGIN
    FOREACH item IN ARRAY ARRAY['organisation', 'business_unit', 'system', 'environment_group', 'instance',
                                'component_definition', 'component', 'health_check'] LOOP
        RETURN QUERY EXECUTE format('DELETE FROM %I WHERE ctid = ANY (ARRAY(SELECT ctid FROM %I WHERE valid << tstzrange($1, NULL)'
                                    ' LIMIT $2)) RETURNING id', item || '_history', item || '_history') USING before, most;
        GET DIAGNOSTICS dropped = ROW_COUNT;
        most := most - dropped;
        EXIT WHEN most <= 0;
    END LOOP;
END $$;
