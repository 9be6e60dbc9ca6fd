-- From the named targets of a write to the tables that it can reach.
-- $1 text[] schemas (NULL: along the search_path)  $2 text[] names
WITH RECURSIVE
target AS (
  SELECT pg_catalog.to_regclass(coalesce(pg_catalog.quote_ident(r.sch) || '.', '') || pg_catalog.quote_ident(r.nam))::pg_catalog.oid AS oid
  FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) r(sch, nam)),
reached(oid) AS (
  SELECT oid FROM target WHERE oid IS NOT NULL
  UNION
  SELECT e.oid FROM reached w CROSS JOIN LATERAL (
    SELECT i.inhrelid AS oid FROM pg_catalog.pg_inherits i WHERE i.inhparent = w.oid
    UNION ALL
    -- Upwards too: who read the parent may not have known of a partition that somebody else has made.
    SELECT i.inhparent FROM pg_catalog.pg_inherits i WHERE i.inhrelid = w.oid
    UNION ALL
    SELECT c.conrelid FROM pg_catalog.pg_constraint c
    WHERE c.contype = 'f' AND c.confrelid = w.oid AND (c.confdeltype IN ('c', 'n', 'd') OR c.confupdtype IN ('c', 'n', 'd'))
    UNION ALL
    -- An automatically updatable view writes what it reads.
    SELECT m[1]::pg_catalog.oid
    FROM pg_catalog.pg_rewrite r, pg_catalog.regexp_matches(r.ev_action::text, ':relid ([1-9][0-9]*)', 'g') m
    WHERE r.ev_class = w.oid AND r.ev_type = '1'
  ) e),
expression AS (
  -- What a write evaluates on its way: defaults, checks, policies.
  SELECT d.adbin::text AS tree FROM pg_catalog.pg_attrdef d JOIN reached w ON w.oid = d.adrelid
  UNION ALL SELECT c.conbin::text FROM pg_catalog.pg_constraint c JOIN reached w ON w.oid = c.conrelid WHERE c.contype = 'c'
  UNION ALL SELECT c.conbin::text
    FROM pg_catalog.pg_attribute a JOIN reached w ON w.oid = a.attrelid JOIN pg_catalog.pg_constraint c ON c.contypid = a.atttypid
    WHERE a.attnum > 0 AND NOT a.attisdropped
  UNION ALL SELECT t.typdefaultbin::text
    FROM pg_catalog.pg_attribute a JOIN reached w ON w.oid = a.attrelid JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND t.oid >= 16384
  UNION ALL SELECT p.polqual::text FROM pg_catalog.pg_policy p JOIN reached w ON w.oid = p.polrelid
  UNION ALL SELECT p.polwithcheck::text FROM pg_catalog.pg_policy p JOIN reached w ON w.oid = p.polrelid)
SELECT pg_catalog.jsonb_build_object(
  'tables', (SELECT pg_catalog.jsonb_agg(w.oid::int8 ORDER BY w.oid) FROM reached w),
  'unknown',
    EXISTS (SELECT 1 FROM target WHERE oid IS NULL)
    -- A foreign table is another table somewhere, perhaps here.
    OR EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN reached w ON w.oid = c.oid WHERE c.relkind = 'f')
    -- What a column of a composite type evaluates is not followed.
    OR EXISTS (
      SELECT 1
      FROM pg_catalog.pg_attribute a JOIN reached w ON w.oid = a.attrelid JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
      WHERE a.attnum > 0 AND NOT a.attisdropped AND t.typtype = 'c')
    OR EXISTS (SELECT 1 FROM pg_catalog.pg_trigger t JOIN reached w ON w.oid = t.tgrelid WHERE NOT t.tgisinternal)
    OR EXISTS (SELECT 1 FROM pg_catalog.pg_rewrite r JOIN reached w ON w.oid = r.ev_class WHERE r.ev_type <> '1')
    OR EXISTS (
      SELECT 1
      FROM expression x, pg_catalog.regexp_matches(x.tree, ':(?:funcid|opfuncid) ([1-9][0-9]*)', 'g') m
      JOIN pg_catalog.pg_proc p ON p.oid = m[1]::pg_catalog.oid
      WHERE p.oid >= 16384 AND (p.provolatile <> 'i' OR p.pronargdefaults > 0)
         OR p.proname ~ '^(query|cursor|table|schema|database)_to_xml|^ts_(stat|rewrite)$'))
