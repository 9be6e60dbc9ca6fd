-- From the names in one statement to base relations and functions.
-- $1 text[] relation schemas (NULL: along the search_path)  $2 text[] relation names
-- $3 text[] function schemas  $4 text[] function names  $5 int[] argument counts (-1: any)
-- $6 text[] operator names  $7 text[] last parts of column references
-- $8 text[] type schemas  $9 text[] type names
WITH RECURSIVE
path AS MATERIALIZED (
  SELECT n.oid AS nsp
  FROM pg_catalog.unnest(pg_catalog.current_schemas(true)) s(name)
  JOIN pg_catalog.pg_namespace n ON n.nspname = s.name),
named_relation AS (
  SELECT r.sch, r.nam,
         pg_catalog.to_regclass(coalesce(pg_catalog.quote_ident(r.sch) || '.', '') || pg_catalog.quote_ident(r.nam))::pg_catalog.oid AS oid
  FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) r(sch, nam)),
named_function AS (
  -- Every overload that the call could mean, not the one that it will mean.
  SELECT p.oid
  FROM ROWS FROM (pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::text[]), pg_catalog.unnest($5::int[])) f(sch, nam, nargs)
  JOIN pg_catalog.pg_proc p ON p.proname = f.nam
  WHERE CASE WHEN f.sch IS NULL THEN p.pronamespace IN (SELECT nsp FROM path)
             ELSE p.pronamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = f.sch) END
    AND (f.nargs < 0 OR p.provariadic <> 0 OR p.prokind = 'a'
         OR f.nargs BETWEEN p.pronargs - p.pronargdefaults AND p.pronargs)),
column_function AS (
  -- t.f may be a call of f(t).
  SELECT p.oid
  FROM pg_catalog.pg_proc p
  WHERE p.pronargs >= 1 AND p.proname = ANY ($7::text[]) AND p.pronamespace IN (SELECT nsp FROM path)
    AND p.pronargs - p.pronargdefaults <= 1),
-- A type can be written like a function of one argument.
named_type AS (
  SELECT t.sch, t.nam, t.called,
         pg_catalog.to_regtype(coalesce(pg_catalog.quote_ident(t.sch) || '.', '') || pg_catalog.quote_ident(t.nam))::pg_catalog.oid AS oid
  FROM (SELECT sch, nam, false FROM ROWS FROM (pg_catalog.unnest($8::text[]), pg_catalog.unnest($9::text[])) t(sch, nam)
        UNION ALL SELECT sch, nam, true FROM ROWS FROM (pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::text[])) f(sch, nam)) t(sch, nam, called)),
-- k: r relation, f function, o operator, t type
node(k, oid) AS (
  SELECT 'r', oid FROM named_relation WHERE oid IS NOT NULL
  UNION SELECT 'f', oid FROM named_function
  UNION SELECT 'f', oid FROM column_function
  UNION SELECT 'o', o.oid FROM pg_catalog.pg_operator o WHERE o.oprname = ANY ($6::text[]) AND o.oid >= 16384
  UNION SELECT 't', oid FROM named_type WHERE oid IS NOT NULL
  -- A cast that applies by itself may apply anywhere.
  UNION SELECT 'f', c.castfunc FROM pg_catalog.pg_cast c WHERE c.oid >= 16384 AND c.castfunc <> 0 AND c.castcontext <> 'e'
  UNION
  SELECT e.k, e.oid FROM node n CROSS JOIN LATERAL (
    SELECT CASE m[1] WHEN 'relid' THEN 'r'
                     WHEN 'opno' THEN 'o' WHEN 'opnos' THEN 'o' WHEN 'eqop' THEN 'o' WHEN 'sortop' THEN 'o'
                     WHEN 'resulttype' THEN 't' ELSE 'f' END AS k,
           x::pg_catalog.oid AS oid
    FROM (
      SELECT w.ev_action::text AS tree FROM pg_catalog.pg_rewrite w JOIN pg_catalog.pg_class c ON c.oid = w.ev_class
        WHERE n.k = 'r' AND w.ev_class = n.oid AND w.ev_type = '1' AND c.relkind = 'v'
      UNION ALL SELECT p.polqual::text FROM pg_catalog.pg_policy p WHERE n.k = 'r' AND p.polrelid = n.oid AND p.polcmd IN ('*', 'r')
      UNION ALL SELECT d.adbin::text
        FROM pg_catalog.pg_attrdef d JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
        WHERE n.k = 'r' AND d.adrelid = n.oid AND a.attgenerated = 'v'
      UNION ALL SELECT p.prosqlbody::text FROM pg_catalog.pg_proc p WHERE n.k = 'f' AND p.oid = n.oid AND n.oid >= 16384
      UNION ALL SELECT p.proargdefaults::text FROM pg_catalog.pg_proc p WHERE n.k = 'f' AND p.oid = n.oid AND n.oid >= 16384
      UNION ALL SELECT c.conbin::text FROM pg_catalog.pg_constraint c WHERE n.k = 't' AND c.contypid = n.oid
      UNION ALL SELECT t.typdefaultbin::text FROM pg_catalog.pg_type t WHERE n.k = 't' AND t.oid = n.oid AND n.oid >= 16384
    ) s,
    pg_catalog.regexp_matches(s.tree, ':(relid|funcid|aggfnoid|winfnoid|tsmhandler|startInRangeFunc|endInRangeFunc|opno|opnos|eqop|sortop|resulttype) (?:\(o )?([0-9 ]+)', 'g') m,
    pg_catalog.regexp_split_to_table(pg_catalog.btrim(m[2]), ' ') x
    WHERE x ~ '^[1-9]'
    UNION ALL SELECT 'r', i.inhrelid FROM pg_catalog.pg_inherits i WHERE n.k = 'r' AND i.inhparent = n.oid
    UNION ALL SELECT 'f', o.oprcode::pg_catalog.oid FROM pg_catalog.pg_operator o WHERE n.k = 'o' AND o.oid = n.oid AND o.oprcode <> 0
    UNION ALL SELECT 'f', u.f::pg_catalog.oid
      FROM pg_catalog.pg_aggregate a,
           pg_catalog.unnest(ARRAY[a.aggtransfn, a.aggfinalfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn]) u(f)
      WHERE n.k = 'f' AND a.aggfnoid = n.oid AND u.f <> 0 AND n.oid >= 16384
    UNION ALL SELECT 'f', u.f::pg_catalog.oid
      FROM pg_catalog.pg_type t, pg_catalog.unnest(ARRAY[t.typinput, t.typoutput]) u(f)
      WHERE n.k = 't' AND t.oid = n.oid AND t.oid >= 16384 AND u.f <> 0 AND u.f::pg_catalog.oid >= 16384
    UNION ALL SELECT 'f', c.castfunc
      FROM pg_catalog.pg_cast c
      WHERE n.k = 't' AND c.oid >= 16384 AND c.castfunc <> 0
        AND (n.oid = c.casttarget OR (n.oid = c.castsource AND (n.oid >= 16384 OR c.castcontext = 'i')))
    UNION ALL SELECT 't', t.typbasetype FROM pg_catalog.pg_type t WHERE n.k = 't' AND t.oid = n.oid AND t.typbasetype <> 0
    UNION ALL SELECT 't', t.typelem FROM pg_catalog.pg_type t WHERE n.k = 't' AND t.oid = n.oid AND t.typelem >= 16384
    UNION ALL SELECT 't', a.atttypid
      FROM pg_catalog.pg_type t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.typrelid
      WHERE n.k = 't' AND t.oid = n.oid AND n.oid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid >= 16384
    UNION ALL SELECT 't', a.atttypid
      FROM pg_catalog.pg_attribute a
      WHERE n.k = 'r' AND a.attrelid = n.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid >= 16384
  ) e)
SELECT pg_catalog.jsonb_build_object(
  'relations', (
    SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
             'oid', c.oid::int8, 'schema', s.nspname, 'name', c.relname, 'kind', c.relkind, 'persistence', c.relpersistence,
             'rowSecurity', c.relrowsecurity,
             'covered', EXISTS (SELECT 1 FROM pg_catalog.pg_inherits i JOIN node p ON p.k = 'r' AND p.oid = i.inhparent WHERE i.inhrelid = c.oid))
           ORDER BY c.oid)
    FROM node n JOIN pg_catalog.pg_class c ON c.oid = n.oid JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
    WHERE n.k = 'r'),
  'functions', (
    SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
             'oid', p.oid::int8, 'schema', s.nspname, 'name', p.proname, 'signature', p.oid::pg_catalog.regprocedure::text, 'volatility', p.provolatile)
           ORDER BY p.oid)
    FROM node n JOIN pg_catalog.pg_proc p ON p.oid = n.oid JOIN pg_catalog.pg_namespace s ON s.oid = p.pronamespace
    WHERE n.k = 'f' AND p.provolatile <> 'i'),
  -- Trees that ask for the time, the user, a sequence or a sample, or that turn some text into a date or a time.
  'asksMoment', (
    SELECT pg_catalog.bool_or(
      t.tree ~ '\{(SQLVALUEFUNCTION|NEXTVALUEEXPR|TABLESAMPLECLAUSE)'
      OR t.tree ~ '\{(COERCEVIAIO|ARRAYCOERCEEXPR)'
         AND t.tree ~ ':resulttype (1082|1083|1114|1115|1182|1183|1184|1185|1266|1270|39[0-9][0-9]|4[45][0-9][0-9]|6[0-9]{3}|[1-9][0-9]{4,}) ')
    FROM (
      SELECT w.ev_action::text FROM node n JOIN pg_catalog.pg_rewrite w ON w.ev_class = n.oid AND w.ev_type = '1' WHERE n.k = 'r'
      UNION ALL SELECT p.prosqlbody::text FROM node n JOIN pg_catalog.pg_proc p ON p.oid = n.oid WHERE n.k = 'f' AND n.oid >= 16384
      UNION ALL SELECT p.proargdefaults::text FROM node n JOIN pg_catalog.pg_proc p ON p.oid = n.oid WHERE n.k = 'f' AND n.oid >= 16384
    ) t(tree)),
  'unknownFunctions', (
    SELECT pg_catalog.jsonb_agg(DISTINCT coalesce(t.sch || '.', '') || t.nam)
    FROM named_type t
    WHERE t.called AND t.oid IS NULL
      AND NOT EXISTS (
        SELECT 1 FROM pg_catalog.pg_proc p
        WHERE p.proname = t.nam
          AND CASE WHEN t.sch IS NULL THEN p.pronamespace IN (SELECT nsp FROM path)
                   ELSE p.pronamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = t.sch) END)),
  'unresolved', (
    SELECT pg_catalog.jsonb_agg(coalesce(sch || '.', '') || nam ORDER BY sch, nam) FROM named_relation WHERE oid IS NULL))
