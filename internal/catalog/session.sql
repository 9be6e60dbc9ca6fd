-- What shapes results in this session and is not part of a statement. One text column.
-- $1 text[] names of settings whose values are asked for beside the identity  $2 text[] names of those in it
WITH path AS (
  -- The session's own schema stays in the path, empty, once it has had a temporary table.
  SELECT pg_catalog.array_remove(pg_catalog.current_schemas(true), (SELECT nspname FROM pg_catalog.pg_namespace WHERE oid = pg_catalog.pg_my_temp_schema())) AS schemas)
SELECT pg_catalog.jsonb_build_object(
  'refusal', CASE
    WHEN pg_catalog.pg_my_temp_schema() <> 0
      AND (EXISTS (SELECT 1 FROM pg_catalog.pg_class WHERE relnamespace = pg_catalog.pg_my_temp_schema())
           OR EXISTS (SELECT 1 FROM pg_catalog.pg_type WHERE typnamespace = pg_catalog.pg_my_temp_schema()))
      THEN 'the session has temporary tables'
    WHEN pg_catalog.current_setting('standard_conforming_strings') <> 'on' THEN 'standard_conforming_strings is off'
    WHEN pg_catalog.current_setting('client_encoding') <> 'UTF8' THEN 'client_encoding is not UTF8'
    WHEN schemas[1] <> 'pg_catalog' THEN 'search_path puts a schema before pg_catalog'
    ELSE '' END,
  'version', pg_catalog.current_setting('server_version_num')::int,
  'recovery', pg_catalog.pg_is_in_recovery(),
  'pid', pg_catalog.pg_backend_pid(),
  'configLoaded', extract(epoch FROM pg_catalog.pg_conf_load_time())::text,
  'settings', (
    SELECT coalesce(pg_catalog.jsonb_object_agg(s.name, pg_catalog.current_setting(s.name, true)), '{}')
    FROM pg_catalog.unnest($1::text[]) s(name)),
  'identity', pg_catalog.jsonb_build_array(
    pg_catalog.current_database(), current_user, session_user, schemas, current_schema,
    (SELECT pg_catalog.jsonb_object_agg(name, pg_catalog.current_setting(name, true))
     FROM pg_catalog.unnest($2::text[]) s(name))))::text
FROM path
