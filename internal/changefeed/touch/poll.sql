-- One poll: what the query's snapshot sees of the log and the snapshot before did not. $1 is the end of that one, $2 are the
-- transactions that were running in it. A statement that names a table touches its partitions and children, too.
WITH RECURSIVE touched(xid, relid) AS (
  SELECT t.xid, t.relid FROM pgcache.touches t WHERE t.xid >= $1::xid8
  UNION ALL
  SELECT t.xid, t.relid FROM pgcache.touches t WHERE t.xid = ANY ($2::xid8[])),
reached(xid, relid) AS (
  SELECT t.xid, t.relid FROM touched t
  UNION
  SELECT r.xid, i.inhrelid FROM reached r JOIN pg_inherits i ON i.inhparent = r.relid)
SELECT pg_current_snapshot(),
       pg_backend_pid(),
       extract(epoch FROM pg_postmaster_start_time()) || '/' || s.epoch,
       s.since, s.awake_to, s.floor,
       s.swept IS NOT NULL OR clock_timestamp() >= s.upcoming_at + s.keep,
       (SELECT string_agg(r.xid || ' ' || r.relid, ' ' ORDER BY r.xid) FROM reached r)
FROM (SELECT) one LEFT JOIN pgcache.touch_state s ON true
