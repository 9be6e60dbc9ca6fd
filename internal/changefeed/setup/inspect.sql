-- Everything that the feeds need to be there. $1 is the publication's name.
WITH RECURSIVE
me AS (SELECT r.oid, r.rolname, r.rolsuper, r.rolreplication FROM pg_catalog.pg_roles r WHERE r.rolname = current_user),
-- Objects of ours, and those by their names in our schema.
home AS (
  SELECT n.oid, n.nspowner, coalesce(pg_catalog.obj_description(n.oid, 'pg_namespace') LIKE 'pgcache: %', false) AS ours
  FROM pg_catalog.pg_namespace n WHERE n.nspname = 'pgcache'),
thing AS (
  SELECT 'schema' AS kind, 'pgcache' AS name, h.nspowner AS owner FROM home h
  UNION ALL
  SELECT 'function', p.proname, p.proowner FROM pg_catalog.pg_proc p JOIN home h ON h.oid = p.pronamespace
  UNION ALL
  SELECT 'relation', c.relname, c.relowner FROM pg_catalog.pg_class c JOIN home h ON h.oid = c.relnamespace
  WHERE c.relname IN ('touches', 'touch_state', 'touch_limit')),
tables AS (
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.relowner, c.relispartition,
    CASE
      -- From 18 on a generated column in the identity makes updates fail.
      WHEN {version} >= 180000 AND EXISTS (
        SELECT FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> ''
          AND (c.relreplident = 'f'
               OR EXISTS (
                 SELECT FROM pg_catalog.pg_index i
                 WHERE i.indrelid = c.oid AND a.attnum = ANY (i.indkey)
                   AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END)))
      THEN ''
      WHEN c.relreplident = 'f' THEN 'full'
      WHEN c.relreplident = 'd' AND EXISTS (
        SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indimmediate AND i.indisvalid)
      THEN 'key'
      WHEN c.relreplident = 'i' AND EXISTS (
        SELECT FROM pg_catalog.pg_index i
        WHERE i.indrelid = c.oid AND i.indisreplident AND i.indisunique AND i.indimmediate AND i.indisvalid)
      THEN 'index'
      ELSE ''
    END AS identity
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND c.relpersistence IN ('p', 'u')
    AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'pgcache')),
-- Each table with all that lies above it.
line(oid, above) AS (
  SELECT t.oid, t.oid FROM tables t
  UNION
  SELECT l.oid, i.inhparent FROM line l JOIN pg_catalog.pg_inherits i ON i.inhrelid = l.above)
SELECT pg_catalog.jsonb_build_object(
  'version', {version},
  'database', pg_catalog.current_database(),
  'role', me.rolname,
  'superuser', me.rolsuper,
  'replication', me.rolsuper OR me.rolreplication OR EXISTS (
    SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = 'rds_replication' AND pg_catalog.pg_has_role(me.oid, r.oid, 'usage')),
  'mayCreate', pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create'),
  'standby', pg_catalog.pg_is_in_recovery(),
  'pid', pg_catalog.pg_backend_pid(),
  'walLevel', pg_catalog.current_setting('wal_level'),
  'slots', pg_catalog.current_setting('max_replication_slots')::int,
  'slotsUsed', (SELECT count(*) FROM pg_catalog.pg_replication_slots),
  'senders', pg_catalog.current_setting('max_wal_senders')::int,
  'sendersUsed', (SELECT count(*) FROM pg_catalog.pg_stat_get_wal_senders() w),
  'synchronous', pg_catalog.current_setting('synchronous_standby_names'),
  'autovacuum', pg_catalog.current_setting('autovacuum')::bool,
  'schema', (
    SELECT pg_catalog.jsonb_build_object(
      'ours', h.ours, 'mayCreate', pg_catalog.has_schema_privilege(h.oid, 'create'), 'mine', pg_catalog.pg_has_role(h.nspowner, 'usage'),
      'objects', (SELECT pg_catalog.jsonb_agg(t.name) FROM thing t WHERE t.kind <> 'schema'),
      'strangers', (
        SELECT pg_catalog.jsonb_agg(DISTINCT pg_catalog.pg_get_userbyid(t.owner))
        FROM thing t JOIN pg_catalog.pg_roles r ON r.oid = t.owner WHERE t.owner <> me.oid AND NOT r.rolsuper),
      'foreign', EXISTS (SELECT FROM thing t WHERE NOT pg_catalog.pg_has_role(t.owner, 'usage')))
    FROM home h),
  'publication', (
    SELECT pg_catalog.jsonb_build_object(
      'ours', coalesce(pg_catalog.obj_description(p.oid, 'pg_publication') LIKE 'pgcache: %', false),
      'mine', pg_catalog.pg_has_role(p.pubowner, 'usage'),
      'owner', pg_catalog.pg_get_userbyid(p.pubowner),
      'complete', p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate,
      'viaRoot', p.pubviaroot)
    FROM pg_catalog.pg_publication p WHERE p.pubname = $1::name),
  'publications', (
    SELECT pg_catalog.jsonb_agg(p.pubname) FROM pg_catalog.pg_publication p
    WHERE pg_catalog.obj_description(p.oid, 'pg_publication') LIKE 'pgcache: %'),
  'eventTriggers', (
    SELECT pg_catalog.jsonb_agg(e.evtname) FROM pg_catalog.pg_event_trigger e
    WHERE pg_catalog.obj_description(e.oid, 'pg_event_trigger') LIKE 'pgcache: %' AND e.evtname LIKE 'pgcache\_%'),
  'events', {events},
  'tables', (
    SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
      'oid', t.oid::int8, 'schema', t.nspname, 'name', t.relname, 'kind', t.relkind, 'persistence', t.relpersistence,
      'identity', t.identity, 'mine', pg_catalog.pg_has_role(t.relowner, 'usage'), 'owner', pg_catalog.pg_get_userbyid(t.relowner),
      'above', (SELECT pg_catalog.jsonb_agg(l.above::int8) FROM line l WHERE l.oid = t.oid AND l.above <> t.oid),
      'member', EXISTS (
        SELECT FROM pg_catalog.pg_publication p JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid
        WHERE p.pubname = $1::name AND r.prrelid = t.oid),
      'subscribed', EXISTS (SELECT FROM pg_catalog.pg_subscription_rel s JOIN line l ON l.above = s.srrelid WHERE l.oid = t.oid),
      'wal', {wal}, 'touch', {touch},
      'trigger', EXISTS (
        SELECT FROM pg_catalog.pg_trigger g
        JOIN pg_catalog.pg_proc f ON f.oid = g.tgfoid JOIN pg_catalog.pg_namespace s ON s.oid = f.pronamespace
        WHERE g.tgrelid = t.oid AND g.tgname = 'pgcache_touch' AND f.proname = 'touch' AND s.nspname = 'pgcache'),
      'triggered', (SELECT {touches} FROM (SELECT t.oid) l(oid)))
      ORDER BY t.nspname, t.relname)
    FROM tables t))
FROM me
