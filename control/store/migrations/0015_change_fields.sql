-- What an update changed, as before, but planned once for a connection and not for each list; what was created or deleted, or has
-- no members of its own that differ, is done at once.
CREATE OR REPLACE FUNCTION change_fields(before jsonb, after jsonb) RETURNS json LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF before IS NULL OR after IS NULL THEN
        RETURN '[]';
    END IF;
    RETURN (
        WITH RECURSIVE pair (pointer, was, becomes) AS (
            SELECT '', before, after
             UNION ALL
            SELECT pair.pointer || '/' || replace(replace(name, '~', '~0'), '/', '~1'), was -> name, becomes -> name
              FROM pair
             CROSS JOIN LATERAL (
                       SELECT jsonb_object_keys(CASE jsonb_typeof(was) WHEN 'object' THEN was ELSE '{}' END)
                        UNION
                       SELECT jsonb_object_keys(CASE jsonb_typeof(becomes) WHEN 'object' THEN becomes ELSE '{}' END)) member (name)
             WHERE jsonb_typeof(was) = 'object' AND jsonb_typeof(becomes) = 'object'
               AND was -> name IS DISTINCT FROM becomes -> name)
        SELECT coalesce(json_agg(json_build_object('pointer', pointer, 'from', was, 'to', becomes) ORDER BY pointer), '[]')
          FROM pair
         WHERE (jsonb_typeof(was) = 'object' AND jsonb_typeof(becomes) = 'object') IS NOT TRUE
           AND pointer NOT IN ('/version', '/updated_at'));
END $$;
