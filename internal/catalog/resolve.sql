-- From the names in one statement to base relations and functions, and to every catalog row that the answer rests on.
-- Two text columns: the answer, and the rows with the transactions that wrote them.
-- $1 text[] relation schemas (NULL: along the search_path)  $2 text[] relation names
-- $3 text[] function schemas  $4 text[] function names  $5 int[] argument counts (-1: any)
-- $6 text[] operator names  $7 text[] last parts of column references
-- $8 text[] type schemas  $9 text[] type names
-- $10 text[] parts after an expression in parentheses
-- $11 text[] columns that are cast to a date or a time
WITH RECURSIVE
-- The schemas that names are looked for in, in that order, and those that the statement gives.
namespace AS MATERIALIZED (
  SELECT n.oid, n.nspname, pg_catalog.array_position(p.names, n.nspname) AS place, n.xmin::text AS x
  FROM (SELECT pg_catalog.current_schemas(true)) p(names)
  JOIN pg_catalog.pg_namespace n ON n.nspname = ANY (p.names || $1::text[]::name[] || $3::text[]::name[] || $8::text[]::name[])),
named_relation AS MATERIALIZED (
  -- With a schema it is looked for by hand: to_regclass fails in a schema that the role may not use.
  SELECT r.sch, r.nam, CASE WHEN r.sch IS NULL THEN pg_catalog.to_regclass(pg_catalog.quote_ident(r.nam))::pg_catalog.oid ELSE (
    SELECT c.oid FROM namespace n JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid WHERE n.nspname = r.sch AND c.relname = r.nam) END AS oid
  FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) r(sch, nam)),
named_column AS MATERIALIZED (
  SELECT r.nam || '.' || a.attname AS origin, a.attname, a.atttypid
  FROM named_relation r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid
  WHERE a.attnum > 0 AND NOT a.attisdropped),
named_function AS MATERIALIZED (
  -- Every overload that a call could mean, not the one that it will mean.
  SELECT p.oid, p.proname, false AS of_row, p.provolatile, p.proargtypes::pg_catalog.oid[] AS args, p.proallargtypes, p.prorettype
  FROM ROWS FROM (pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::text[]), pg_catalog.unnest($5::int[])) f(sch, nam, nargs)
  JOIN pg_catalog.pg_proc p ON p.proname = f.nam
  WHERE p.pronamespace IN (SELECT n.oid FROM namespace n WHERE CASE WHEN f.sch IS NULL THEN n.place IS NOT NULL ELSE n.nspname = f.sch END)
    AND (f.nargs < 0 OR p.provariadic <> 0 OR p.prokind = 'a'
         OR f.nargs BETWEEN p.pronargs - p.pronargdefaults AND p.pronargs)
  UNION ALL
  -- t.f may be a call of f(t), of a row; (x).f of f(x), of anything.
  SELECT p.oid, p.proname, true, p.provolatile, p.proargtypes::pg_catalog.oid[], p.proallargtypes, p.prorettype
  FROM pg_catalog.pg_proc p
  WHERE p.proname = ANY ($10::text[]::name[] || $7::text[]::name[])
    AND p.pronargs >= 1 AND p.pronargs - p.pronargdefaults <= 1
    AND p.pronamespace IN (SELECT n.oid FROM namespace n WHERE n.place IS NOT NULL)
    AND (p.proname = ANY ($10::text[])
         OR (SELECT typtype FROM pg_catalog.pg_type t WHERE t.oid = p.proargtypes[0]) IN ('c', 'p', 'd'))),
-- A type can be written like a function of one argument (how 1), or like a field (how 2).
named_type AS MATERIALIZED (
  SELECT t.sch, t.nam, t.how, CASE WHEN t.sch IS NULL THEN pg_catalog.to_regtype(pg_catalog.quote_ident(t.nam))::pg_catalog.oid ELSE (
    SELECT y.oid FROM namespace n JOIN pg_catalog.pg_type y ON y.typnamespace = n.oid WHERE n.nspname = t.sch AND y.typname = t.nam) END AS oid
  FROM (SELECT sch, nam, 0 FROM ROWS FROM (pg_catalog.unnest($8::text[]), pg_catalog.unnest($9::text[])) t(sch, nam)
        UNION ALL SELECT sch, nam, 1 FROM ROWS FROM (pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::text[])) f(sch, nam)
        UNION ALL SELECT NULL, nam, 2 FROM pg_catalog.unnest($10::text[]) f(nam)) t(sch, nam, how)),
named_operator AS MATERIALIZED (
  SELECT o.oid, o.oprname, o.oprleft, o.oprright, o.oprresult
  FROM pg_catalog.pg_operator o WHERE o.oprname = ANY ($6::text[]) AND o.oid >= 16384),
own_cast AS MATERIALIZED (
  SELECT c.oid, c.castsource, c.casttarget, c.castfunc, c.castcontext, c.castmethod, c.xmin::text AS x
  FROM pg_catalog.pg_cast c WHERE c.oid >= 16384),
-- Functions of the user's that compare values of a type.
own_comparison AS MATERIALIZED (
  SELECT s.amproclefttype AS typ, s.amproc::pg_catalog.oid AS function, s.oid, s.xmin::text AS x
  FROM pg_catalog.pg_amproc s WHERE s.oid >= 16384 AND s.amproc::pg_catalog.oid >= 16384),
-- The functions that read a setting, and the built-in types whose values are watched for: times, and names in the catalogs.
built_in(reads, watched) AS MATERIALIZED (
  SELECT pg_catalog.array_agg(p.oid),
         ('{1083,1183,1266,1270,24,1008,1033,1034,2202,2203,2204,2205,2206,2207,2208,2209,2210,2211,'
          || '3734,3735,3769,3770,4089,4090,4096,4097,4191,4192}')::pg_catalog.oid[]
  FROM pg_catalog.pg_proc p WHERE p.proname = 'current_setting' AND p.oid < 16384),
-- What to look for in an expression tree: settings read by their names, objects, types of the user's and of the catalogs, types
-- that a text is read into and that may name a moment, and expressions that move by themselves.
pattern(re) AS MATERIALIZED (
  SELECT ':funcid (' || pg_catalog.array_to_string(s.reads, '|') || E') [^{}()]*\\(\\{CONST :consttype 25 [^{}]*:constvalue [0-9]+ \\[ ([-0-9 ]+) \\]'
    || E'|:(relid|funcid|aggfnoid|winfnoid|tsmhandler|startInRangeFunc|endInRangeFunc|opno|opnos|eqop|sortop) (?:\\(o )?([1-9][0-9 ]*)'
    || '|:[a-z_]*typ(?:e|eid|id) ([1-9][0-9]{4,}|24|1008|1033|1034|220[2-9]|221[01]|4089|4090|4096|4097|419[12]) '
    || '|:resulttype (108[23]|111[45]|118[2-5]|1266|1270|39(?:0[89]|1[0-3])|453[3-5]|615[0-9]|[1-9][0-9]{4,}) '
    ||   '(?::resulttypmod -?[0-9]+ )?:resultcollid [0-9]+ :coerceformat'
    || E'|\\{(SQLVALUEFUNCTION :op [0-8]|TABLESAMPLECLAUSE|NEXTVALUEEXPR|TABLEFUNC|JSONEXPR|ROWMARKCLAUSE|VAR :varno [0-9]+ :varattno -[0-9]+) '
  FROM built_in s),
-- What is found, by its kind k. To be looked into:
--   r relation            c partition or child of one    a row of a composite type    b the same, for w
--   f function            o operator                     u role                       i type that a text is read into
--   t type                w type that a value in the statement itself may have, and x where it comes from
-- To be told:
--   s function that reads a setting, and x the bytes of its name
--   z built-in function that asks for today if there are times
--   p type that a text is read into, and x its name
--   m something that can't be followed: 1 the time, 2 a sample, 3 a sequence, 4 XML or JSON read into columns, 5 names looked up
--     in the catalogs, 6 a setting whose name is computed, 8 a system column, 9 locks on rows; or 7 text search
--   v what was looked into, and x the transactions that wrote it
node(k, oid, x) AS (
  SELECT i.k, i.oid, i.x COLLATE pg_catalog."C"
  FROM (
    SELECT 'r', oid, NULL FROM named_relation
    UNION ALL SELECT CASE WHEN f.oid < 16384 AND f.provolatile <> 'i' AND 1266 = ANY (f.args) THEN 'z' ELSE 'f' END, f.oid, NULL
      FROM named_function f
    UNION ALL SELECT 'o', oid, NULL FROM named_operator
    UNION ALL SELECT 'w', atttypid, origin FROM named_column
    UNION ALL SELECT 'w', oid, nam FROM named_type
    -- A literal may be read into what an operator takes, unless it is a comparison, where there are others to choose from.
    UNION ALL SELECT 'w', u.t, o.oprname
      FROM named_operator o, pg_catalog.unnest(
        ARRAY[o.oprresult] || CASE WHEN o.oprname NOT IN ('=', '<>', '<', '<=', '>', '>=') THEN ARRAY[o.oprleft, o.oprright] END) u(t)
    UNION ALL SELECT 'w', u.t, f.proname || '()'
      FROM named_function f, pg_catalog.unnest(f.args || f.proallargtypes || f.prorettype) u(t)
      -- Of the built-in ones only those that make a time out of something else.
      WHERE f.oid >= 16384 OR f.prorettype IN (1083, 1266) AND NOT f.args && '{1083,1266}'
    -- A cast that applies by itself may apply anywhere, and so may comparisons that the user defined for a built-in type.
    UNION ALL SELECT 'f', c.castfunc, NULL FROM own_cast c WHERE c.castcontext <> 'e'
    UNION ALL SELECT CASE WHEN c.casttarget >= 16384 THEN 'i' ELSE 'p' END, c.casttarget, pg_catalog.format_type(c.casttarget, NULL)
      FROM own_cast c
      WHERE c.castmethod = 'i' AND c.castcontext <> 'e'
        AND (c.casttarget >= 16384 OR c.casttarget IN (1082, 1083, 1114, 1184, 1266, 3908, 3910, 3912, 4533, 4534, 4535))
    UNION ALL SELECT 'f', c.function, NULL FROM own_comparison c WHERE c.typ < 16384
    UNION ALL SELECT 'u', r.oid, NULL FROM pg_catalog.pg_roles r WHERE r.rolname IN (current_user, session_user)
    UNION ALL SELECT 'm', 7, NULL WHERE '@@' = ANY ($6::text[])
  ) i(k, oid, x)
  WHERE i.oid <> 0
    AND (i.k <> 'w' OR i.oid >= 16384 OR i.oid = ANY ((SELECT watched FROM built_in)::pg_catalog.oid[]) OR i.oid IN (SELECT oid FROM named_type))
  UNION
  SELECT CASE WHEN e.k = 'f' AND e.oid = ANY (g.reads) THEN 'm' ELSE e.k END,
         CASE WHEN e.k = 'f' AND e.oid = ANY (g.reads) THEN 6 ELSE e.oid END,
         e.x COLLATE pg_catalog."C"
  FROM node n
  CROSS JOIN built_in g
  CROSS JOIN pattern r
  -- From each of these: an expression tree to look into, a mark of what was read, kinds and oids of what it leads to.
  CROSS JOIN LATERAL (
    SELECT w.ev_action::text, pg_catalog.concat_ws(' ', 'class', c.xmin, w.xmin), ARRAY['u'], ARRAY[c.relowner]
      FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_rewrite w ON w.ev_class = c.oid AND w.ev_type = '1' AND c.relkind = 'v'
      WHERE n.k IN ('r', 'c') AND c.oid = n.oid
    UNION ALL SELECT p.polqual::text, pg_catalog.concat_ws(' ', 'policy', p.oid, p.xmin), NULL, NULL
      FROM pg_catalog.pg_policy p
      WHERE n.k = 'r' AND p.polrelid = n.oid AND p.polcmd IN ('*', 'r')
    UNION ALL SELECT pg_catalog.string_agg(d.adbin::text, ' '),
                     pg_catalog.string_agg(pg_catalog.concat_ws(' ', 'column', a.attnum, a.xmin, d.xmin), ',' ORDER BY a.attnum),
                     pg_catalog.array_fill(CASE n.k WHEN 'b' THEN 'w' ELSE 't' END, ARRAY[pg_catalog.count(*)::int4]),
                     pg_catalog.array_agg(a.atttypid)
      FROM pg_catalog.pg_attribute a
      LEFT JOIN pg_catalog.pg_attrdef d ON a.attgenerated = 'v' AND d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE n.k IN ('r', 'a', 'b') AND a.attrelid = n.oid AND a.attnum > 0 AND NOT a.attisdropped
      HAVING pg_catalog.count(*) > 0
    UNION ALL SELECT NULL, pg_catalog.string_agg(pg_catalog.concat_ws(' ', 'child', i.inhrelid, i.xmin), ',' ORDER BY i.inhrelid),
                     pg_catalog.array_agg('c'::text), pg_catalog.array_agg(i.inhrelid)
      FROM pg_catalog.pg_inherits i
      WHERE n.k IN ('r', 'c') AND i.inhparent = n.oid
      HAVING pg_catalog.count(*) > 0
    UNION ALL SELECT CASE WHEN n.oid >= 16384 THEN pg_catalog.concat(p.prosqlbody::text, p.proargdefaults::text) END,
                     pg_catalog.concat_ws(' ', 'function', p.xmin, a.xmin),
                     CASE WHEN n.oid >= 16384 THEN '{u,t,f,f,f,f,f,f,f,f}'
                       WHEN p.proargtypes::pg_catalog.oid[] && '{3734,3769}' OR p.proname ~ 'tsvector|tsquery|^ts_(match_t|headline)'
                         THEN '{m}' END::text[],
                     CASE WHEN n.oid >= 16384 THEN
                       ARRAY[p.proowner, a.aggtranstype, a.aggtransfn, a.aggfinalfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn,
                             a.aggcombinefn, a.aggserialfn, a.aggdeserialfn]::pg_catalog.oid[]
                       ELSE '{7}' END
      FROM pg_catalog.pg_proc p LEFT JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid
      WHERE n.k IN ('f', 's') AND p.oid = n.oid
    UNION ALL SELECT NULL, pg_catalog.concat_ws(' ', 'operator', o.xmin), '{f}', ARRAY[o.oprcode::pg_catalog.oid]
      FROM pg_catalog.pg_operator o
      WHERE n.k = 'o' AND o.oid = n.oid
    -- A text read into an enum names a label, and nothing else.
    UNION ALL SELECT t.typdefaultbin::text, pg_catalog.concat_ws(' ', 'type', t.xmin),
                     CASE WHEN n.k <> 'i' THEN
                         ARRAY['io', 'io', 'io', 'io', 'io', 'base', n.k, n.k, CASE n.k WHEN 'w' THEN 'b' ELSE 'a' END]
                       ELSE ARRAY['t', CASE WHEN t.typtype = 'e' THEN 't' WHEN t.typelem <> 0 THEN 'i' ELSE 'p' END] END,
                     CASE WHEN n.k <> 'i' THEN ARRAY[t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin]::pg_catalog.oid[]
                       || ARRAY[t.typbasetype, t.typbasetype, t.typelem, t.typrelid]
                       ELSE ARRAY[t.oid, CASE WHEN t.typelem <> 0 THEN t.typelem ELSE t.oid END] END
      FROM pg_catalog.pg_type t
      WHERE n.k IN ('t', 'w', 'i') AND t.oid = n.oid AND n.oid >= 16384
    UNION ALL SELECT c.conbin::text, pg_catalog.concat_ws(' ', 'check', c.oid, c.xmin), NULL, NULL
      FROM pg_catalog.pg_constraint c
      WHERE n.k IN ('t', 'w') AND c.contypid = n.oid AND n.oid >= 16384
    UNION ALL SELECT NULL, pg_catalog.string_agg(pg_catalog.concat_ws(' ', 'label', e.oid, e.xmin), ',' ORDER BY e.oid), NULL, NULL
      FROM pg_catalog.pg_enum e
      WHERE n.k IN ('t', 'w') AND e.enumtypid = n.oid AND n.oid >= 16384
      HAVING pg_catalog.count(*) > 0
    UNION ALL SELECT NULL, 'range', ARRAY[n.k], ARRAY[g.rngsubtype]
      FROM pg_catalog.pg_range g
      WHERE n.k IN ('t', 'w') AND (g.rngtypid = n.oid OR g.rngmultitypid = n.oid) AND n.oid >= 16384
    UNION ALL SELECT NULL, pg_catalog.concat_ws(' ', 'comparison', c.oid, c.x), ARRAY['f'], ARRAY[c.function]
      FROM own_comparison c
      WHERE n.k IN ('t', 'w') AND c.typ = n.oid AND n.oid >= 16384
    UNION ALL SELECT NULL, 'cast', ARRAY['f'], ARRAY[c.castfunc]
      FROM own_cast c
      WHERE n.k IN ('t', 'w') AND (n.oid = c.casttarget OR n.oid = c.castsource AND (n.oid >= 16384 OR c.castcontext = 'i'))
    UNION ALL SELECT NULL, pg_catalog.concat_ws(' ', 'role', r.rolsuper, r.rolinherit, r.rolbypassrls, m.xmin, r.rolname),
                     ARRAY['u'], ARRAY[m.roleid]
      FROM pg_catalog.pg_roles r LEFT JOIN pg_catalog.pg_auth_members m ON m.member = r.oid
      WHERE n.k = 'u' AND r.oid = n.oid
  ) s(tree, mark, ks, oids)
  CROSS JOIN LATERAL (
    SELECT 'v', n.oid, s.mark
    UNION ALL SELECT CASE u.k WHEN 'io' THEN 'f' WHEN 'base' THEN 't' ELSE u.k END, u.oid,
                     CASE WHEN u.k IN ('w', 'b') THEN n.x WHEN u.k = 'p' THEN pg_catalog.format_type(u.oid, NULL) END
      FROM ROWS FROM (pg_catalog.unnest(s.ks), pg_catalog.unnest(s.oids)) u(k, oid)
      WHERE s.ks IS NOT NULL
        AND (u.oid >= 16384 OR u.oid <> 0 AND u.k IN ('f', 'u', 'm', 'base') OR u.k = 'w' AND u.oid = ANY (g.watched))
    UNION ALL SELECT
      CASE WHEN m[1] IS NOT NULL THEN 's'
           WHEN m[3] = 'relid' THEN 'r'
           WHEN m[3] IN ('opno', 'opnos', 'eqop', 'sortop') THEN 'o'
           WHEN m[3] IS NOT NULL THEN 'f'
           WHEN pg_catalog.length(m[5]) > 4 THEN 't'
           WHEN m[6] IS NOT NULL THEN CASE WHEN pg_catalog.length(m[6]) > 4 THEN 'i' ELSE 'p' END
           ELSE 'm' END,
      CASE WHEN pg_catalog.length(m[5]) <= 4 THEN 5
           WHEN m[7] IS NULL THEN y::pg_catalog.oid
           WHEN m[7] LIKE 'SQL%' THEN 1 WHEN m[7] LIKE 'TABLES%' THEN 2 WHEN m[7] LIKE 'NEXT%' THEN 3
           WHEN m[7] LIKE 'VAR%' THEN 8 WHEN m[7] LIKE 'ROW%' THEN 9 ELSE 4 END,
      CASE WHEN pg_catalog.length(m[6]) <= 4 THEN pg_catalog.format_type(m[6]::pg_catalog.oid, NULL) ELSE m[2] END
    FROM pg_catalog.regexp_matches(s.tree, r.re, 'g') m,
         pg_catalog.regexp_split_to_table(pg_catalog.btrim(coalesce(m[1], m[4], m[5], m[6], '0')), ' ') y
    WHERE s.tree IS NOT NULL
  ) e(k, oid, x)
  WHERE n.k <> 'v')
SELECT pg_catalog.jsonb_build_object(
  'path', pg_catalog.current_schemas(true),
  'relations', (
    SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
             'oid', c.oid::int8, 'schema', s.nspname, 'name', c.relname, 'kind', c.relkind, 'persistence', c.relpersistence,
             'rowSecurity', c.relrowsecurity, 'covered', n.covered)
           ORDER BY c.oid)
    FROM (SELECT oid, pg_catalog.bool_or(k = 'c') AS covered FROM node WHERE k IN ('r', 'c') GROUP BY oid) n
    JOIN pg_catalog.pg_class c ON c.oid = n.oid
    JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace),
  -- Those that are not immutable, those that are only said to be, and those in whose text a setting may be read.
  'functions', (
    SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
             'oid', p.oid::int8, 'schema', s.nspname, 'name', p.proname, 'signature', p.oid::pg_catalog.regprocedure::text,
             'arguments', pg_catalog.oidvectortypes(p.proargtypes), 'volatility', CASE WHEN f.liar THEN 's' ELSE p.provolatile END,
             'language', CASE WHEN f.reads THEN (SELECT l.lanname FROM pg_catalog.pg_language l WHERE l.oid = p.prolang) END,
             'source', CASE WHEN f.reads THEN p.prosrc END)
           ORDER BY p.oid)
    FROM (SELECT DISTINCT oid FROM node
          WHERE k IN ('f', 's') OR k = 'z' AND EXISTS (SELECT 1 FROM node WHERE k = 'w' AND oid IN (1083, 1183, 1266, 1270))) n
    JOIN pg_catalog.pg_proc p ON p.oid = n.oid
    JOIN pg_catalog.pg_namespace s ON s.oid = p.pronamespace
    CROSS JOIN LATERAL (SELECT
      p.oid < 16384 AND p.proname IN ('pg_partition_root', 'pg_walfile_name', 'pg_walfile_name_offset', 'satisfies_hash_partition'),
      p.oid >= 16384 AND p.prosqlbody IS NULL AND p.prosrc ~* 'current_setting') f(liar, reads)
    WHERE p.provolatile <> 'i' OR f.liar OR f.reads),
  'settings', (SELECT pg_catalog.jsonb_agg(DISTINCT x) FROM node WHERE k = 's'),
  'asks', (SELECT pg_catalog.jsonb_agg(DISTINCT oid::int8) FROM node WHERE k = 'm'),
  'readsText', (SELECT pg_catalog.jsonb_agg(DISTINCT x) FROM node WHERE k = 'p'),
  'zoned', (SELECT pg_catalog.jsonb_agg(DISTINCT x) FROM node WHERE k = 'w' AND oid IN (1266, 1270)),
  'lookups', (
    SELECT pg_catalog.jsonb_agg(DISTINCT x) FROM node, built_in g
    WHERE k = 'w' AND oid = ANY (g.watched) AND oid NOT IN (1083, 1183, 1266, 1270)),
  -- Columns that may hold a text when they are cast: those that are not known to be dates, times or numbers.
  'textCasts', (
    SELECT pg_catalog.jsonb_agg(DISTINCT x.c)
    FROM pg_catalog.unnest($11::text[]) x(c)
    WHERE NOT EXISTS (SELECT 1 FROM named_column n WHERE n.attname = x.c)
       OR EXISTS (
         SELECT 1 FROM named_column n
         WHERE n.attname = x.c AND n.atttypid NOT IN (
           20, 21, 23, 1082, 1083, 1114, 1115, 1182, 1183, 1184, 1185, 1186, 1187,
           3908, 3909, 3910, 3911, 3912, 3913, 4533, 4534, 4535, 6152, 6153, 6155))
       OR EXISTS (SELECT 1 FROM named_function f WHERE f.of_row AND f.proname = x.c)),
  -- Types of the user's that a text may be cast to by a call, or after an expression: it may name a moment.
  'calledTypes', (
    SELECT pg_catalog.jsonb_agg(DISTINCT n.nam)
    FROM named_type n JOIN pg_catalog.pg_type t ON t.oid = n.oid
    WHERE n.oid >= 16384 AND n.how > 0 AND (t.typtype IN ('d', 'r', 'm') OR t.typtype = 'c' AND n.how = 1)),
  'unknownFunctions', (
    SELECT pg_catalog.jsonb_agg(DISTINCT coalesce(t.sch || '.', '') || t.nam)
    FROM named_type t
    WHERE t.how = 1 AND t.oid IS NULL
      AND NOT EXISTS (
        SELECT 1 FROM pg_catalog.pg_proc p
        WHERE p.proname = t.nam
          AND p.pronamespace IN (
            SELECT n.oid FROM namespace n WHERE CASE WHEN t.sch IS NULL THEN n.place IS NOT NULL ELSE n.nspname = t.sch END))),
  'unresolved', (
    SELECT pg_catalog.jsonb_agg(coalesce(sch || '.', '') || nam ORDER BY sch, nam) FROM named_relation WHERE oid IS NULL))::text,
  -- What applies without being named comes after what was looked into.
  pg_catalog.concat_ws(';',
    (SELECT pg_catalog.string_agg(DISTINCT pg_catalog.concat_ws(' ', oid, x) COLLATE pg_catalog."C", ';') FROM node WHERE k = 'v'),
    (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', 'schema', place, oid, x), ';' ORDER BY place, oid) FROM namespace),
    (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', 'cast', oid, x), ';' ORDER BY oid) FROM own_cast),
    (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', 'collation', oid, xmin), ';' ORDER BY oid)
     FROM pg_catalog.pg_collation WHERE oid >= 16384),
    (SELECT 'owner ' || datdba FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
