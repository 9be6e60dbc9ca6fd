-- From the named targets of a write to the tables that it can reach, and what makes that uncertain.
-- $1 text[] schemas (NULL: along the search_path)  $2 text[] names
-- $3 text[] the functions, $4 text[] the operators and $5 text[] the types that a harmless trigger may use
WITH RECURSIVE
target AS MATERIALIZED (
  SELECT r.sch, r.nam, CASE WHEN r.sch IS NULL THEN pg_catalog.to_regclass(pg_catalog.quote_ident(r.nam))::pg_catalog.oid ELSE (
    SELECT c.oid FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid
    WHERE n.nspname = r.sch AND c.relname = r.nam) END AS oid
  FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) r(sch, nam)
  UNION ALL
  -- What is hidden by that: a statement that was prepared before goes on writing it.
  SELECT r.sch, r.nam, c.oid
  FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) r(sch, nam)
  JOIN pg_catalog.pg_class c ON c.relname = r.nam
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE r.sch IS NULL AND n.nspname = ANY (pg_catalog.current_schemas(true)) AND c.relkind IN ('r', 'p', 'v', 'f', 'm')),
-- k: r relation, t type of the user's of a column or of a part of one
node(k, oid) AS (
  SELECT 'r', oid FROM target WHERE oid IS NOT NULL
  UNION
  SELECT e.k, e.oid FROM node n CROSS JOIN LATERAL (
    SELECT 'r', i.inhrelid FROM pg_catalog.pg_inherits i WHERE n.k = 'r' AND i.inhparent = n.oid
    UNION ALL
    -- Upwards too: who read the parent may not have known of a partition that somebody else has made.
    SELECT 'r', i.inhparent FROM pg_catalog.pg_inherits i WHERE n.k = 'r' AND i.inhrelid = n.oid
    UNION ALL
    SELECT 'r', c.conrelid FROM pg_catalog.pg_constraint c
    WHERE n.k = 'r' AND c.contype = 'f' AND c.confrelid = n.oid AND (c.confdeltype IN ('c', 'n', 'd') OR c.confupdtype IN ('c', 'n', 'd'))
    UNION ALL
    -- An automatically updatable view writes what it reads.
    SELECT 'r', m[1]::pg_catalog.oid
    FROM pg_catalog.pg_rewrite r, pg_catalog.regexp_matches(r.ev_action::text, ':relid ([1-9][0-9]*)', 'g') m
    WHERE n.k = 'r' AND r.ev_class = n.oid AND r.ev_type = '1'
    UNION ALL
    SELECT 't', a.atttypid FROM pg_catalog.pg_attribute a
    WHERE n.k = 'r' AND a.attrelid = n.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid >= 16384
    UNION ALL
    SELECT 't', u.oid FROM pg_catalog.pg_type t, pg_catalog.unnest(ARRAY[t.typbasetype, t.typelem]) u(oid)
    WHERE n.k = 't' AND t.oid = n.oid AND u.oid >= 16384
    UNION ALL
    SELECT 't', a.atttypid
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.typrelid
    WHERE n.k = 't' AND t.oid = n.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid >= 16384
    UNION ALL
    SELECT 't', g.rngsubtype FROM pg_catalog.pg_range g WHERE n.k = 't' AND (g.rngtypid = n.oid OR g.rngmultitypid = n.oid) AND g.rngsubtype >= 16384
  ) e(k, oid)),
fires AS MATERIALIZED (
  SELECT t.tgname, t.tgrelid, t.tgfoid, t.tgtype, t.tgqual::text AS tree
  FROM node n JOIN pg_catalog.pg_trigger t ON t.tgrelid = n.oid
  WHERE n.k = 'r' AND NOT t.tgisinternal AND t.tgenabled <> 'D'),
-- What a write evaluates on its way: defaults, checks, policies, the conditions of triggers.
expression(tree) AS (
  SELECT d.adbin::text FROM node n JOIN pg_catalog.pg_attrdef d ON d.adrelid = n.oid WHERE n.k = 'r'
  UNION ALL SELECT c.conbin::text FROM node n JOIN pg_catalog.pg_constraint c ON c.conrelid = n.oid WHERE n.k = 'r' AND c.contype = 'c'
  UNION ALL SELECT pg_catalog.concat(p.polqual::text, p.polwithcheck::text) FROM node n JOIN pg_catalog.pg_policy p ON p.polrelid = n.oid WHERE n.k = 'r'
  UNION ALL SELECT c.conbin::text FROM node n JOIN pg_catalog.pg_constraint c ON c.contypid = n.oid WHERE n.k = 't'
  UNION ALL SELECT t.typdefaultbin::text FROM node n JOIN pg_catalog.pg_type t ON t.oid = n.oid WHERE n.k = 't'
  UNION ALL SELECT f.tree FROM fires f),
evaluated(oid) AS (
  SELECT m[1]::pg_catalog.oid FROM expression x, pg_catalog.regexp_matches(x.tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid) ([1-9][0-9]*)', 'g') m
  -- What reads, writes and compares values of the columns' types.
  UNION ALL SELECT u.f::pg_catalog.oid
    FROM node n JOIN pg_catalog.pg_type t ON t.oid = n.oid, pg_catalog.unnest(ARRAY[t.typinput, t.typoutput, t.typreceive, t.typsend]) u(f)
    WHERE n.k = 't'
  UNION ALL SELECT s.amproc::pg_catalog.oid FROM node n JOIN pg_catalog.pg_amproc s ON s.amproclefttype = n.oid WHERE n.k = 't' AND s.oid >= 16384)
SELECT pg_catalog.jsonb_build_object(
  'tables', (SELECT pg_catalog.jsonb_agg(oid::int8 ORDER BY oid) FROM node WHERE k = 'r'),
  'missing', (SELECT pg_catalog.jsonb_agg(DISTINCT coalesce(sch || '.', '') || nam) FROM target WHERE oid IS NULL),
  -- A foreign table is another table somewhere, perhaps here.
  'foreign', (SELECT pg_catalog.jsonb_agg(c.relname) FROM node n JOIN pg_catalog.pg_class c ON c.oid = n.oid WHERE n.k = 'r' AND c.relkind = 'f'),
  'rules', (
    SELECT pg_catalog.jsonb_agg(w.rulename || ' on ' || c.relname)
    FROM node n JOIN pg_catalog.pg_rewrite w ON w.ev_class = n.oid JOIN pg_catalog.pg_class c ON c.oid = n.oid
    WHERE n.k = 'r' AND w.ev_type <> '1' AND w.ev_enabled <> 'D'),
  'functions', (
    SELECT pg_catalog.jsonb_agg(DISTINCT p.oid::pg_catalog.regprocedure::text)
    FROM evaluated e JOIN pg_catalog.pg_proc p ON p.oid = e.oid
    WHERE p.oid >= 16384 AND (p.provolatile <> 'i' OR p.pronargdefaults > 0)
       OR p.proname ~ '^(query|cursor|table|schema|database)_to_xml|^ts_(stat|rewrite)$'),
  'triggers', (
    SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
      'name', f.tgname, 'table', c.relname, 'instead', f.tgtype & 64 <> 0, 'builtIn', p.oid < 16384,
      'own', p.proname = 'touch' AND p.pronamespace::pg_catalog.regnamespace::text = 'pgcache', 'function', p.proname,
      'language', l.lanname, 'source', CASE WHEN l.lanname = 'plpgsql' THEN p.prosrc END))
    FROM fires f
    JOIN pg_catalog.pg_class c ON c.oid = f.tgrelid
    JOIN pg_catalog.pg_proc p ON p.oid = f.tgfoid
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang),
  -- A row that is deleted, or gets another key, changes others of its own table.
  'cascades', (
    SELECT pg_catalog.jsonb_agg(c.conname)
    FROM node n JOIN pg_catalog.pg_constraint c ON c.conrelid = n.oid AND c.confrelid = n.oid
    WHERE n.k = 'r' AND c.contype = 'f' AND (c.confdeltype IN ('c', 'n', 'd') OR c.confupdtype IN ('c', 'n', 'd'))),
  -- Names that mean something of the user's, at least for some arguments, so that a trigger may not mean what it seems to.
  'shadows', (
    SELECT pg_catalog.jsonb_agg(s.name)
    FROM (
      SELECT p.proname FROM pg_catalog.pg_proc p WHERE p.proname = ANY ($3::text[]) AND p.oid >= 16384
      UNION SELECT t.typname FROM pg_catalog.pg_type t WHERE t.typname = ANY ($5::text[]) AND t.oid >= 16384
      UNION SELECT o.oprname
        FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode
        WHERE o.oid >= 16384 AND o.oprname = ANY ($4::text[]) AND p.provolatile <> 'i'
      UNION SELECT '::' FROM pg_catalog.pg_cast c JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc WHERE c.oid >= 16384 AND p.provolatile <> 'i'
      UNION SELECT '=' FROM pg_catalog.pg_amproc s JOIN pg_catalog.pg_proc p ON p.oid = s.amproc WHERE s.oid >= 16384 AND p.provolatile <> 'i'
    ) s(name)
    WHERE EXISTS (SELECT 1 FROM fires)))::text
