-- Secrets of checks: written and given to probers, never read. In the spec a mask stands in their place, so that no view, journal
-- or copy of it can show them; they lie in a column of their own: {JSON pointer within the spec: text}.

ALTER TABLE health_check ADD COLUMN secrets jsonb CHECK (jsonb_typeof(secrets) = 'object');

-- The spec as a prober needs it. No field that leads to a secret has a "/" or "~" in its name.
CREATE FUNCTION check_spec_whole(spec jsonb, secrets jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    secret record;
    whole jsonb := spec;
BEGIN
    FOR secret IN SELECT * FROM jsonb_each(secrets) LOOP
        whole := jsonb_set(whole, string_to_array(substr(secret.key, 2), '/'), secret.value, false);
    END LOOP;
    RETURN whole;
END $$;

-- What is there already.
DO $$
DECLARE
    checked record;
    place record;
    masked jsonb;
    found jsonb;
BEGIN
    FOR checked IN SELECT id, spec FROM health_check LOOP
        masked := checked.spec;
        found := '{}';
        FOR place IN
            SELECT string_to_array(path, ' ') AS path
              FROM unnest(ARRAY['password', 'auth basic password', 'auth bearer', 'auth oauth2 client_secret',
                                'auth oauth2 tls client_cert', 'proxy auth basic password', 'proxy auth bearer',
                                'proxy tls client_cert', 'tls client_cert']) path
             UNION ALL
            SELECT ARRAY['secrets', name]
              FROM jsonb_object_keys(CASE jsonb_typeof(masked -> 'secrets') WHEN 'object' THEN masked -> 'secrets' END) name
             UNION ALL
            SELECT list.path || ARRAY[(header.place - 1)::text, '1']
              FROM (VALUES (ARRAY['headers']), (ARRAY['proxy', 'headers'])) list (path),
                   jsonb_array_elements(CASE jsonb_typeof(masked #> list.path) WHEN 'array' THEN masked #> list.path END)
                       WITH ORDINALITY header (pair, place)
             WHERE header.pair ->> 0 ~* '^((proxy-)?authorization|(set-)?cookie)$|token|secret|password|api-?key|(access|auth)-key'
        LOOP
            CONTINUE WHEN jsonb_typeof(masked #> place.path) IS DISTINCT FROM 'string';
            found := found || jsonb_build_object('/' || array_to_string(place.path, '/'), masked #> place.path);
            masked := jsonb_set(masked, place.path, '"********"');
        END LOOP;
        IF found <> '{}' THEN
            UPDATE health_check SET spec = masked, secrets = found WHERE id = checked.id;
        END IF;
    END LOOP;
END $$;
