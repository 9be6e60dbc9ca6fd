-- One poll: what the query's snapshot sees of the log and the snapshot before did not. $1 is the end of that one, $2 are the
-- transactions that were running in it. A statement that names a table touches its partitions and children, too; the
-- function that finds them looks through the snapshot of the query that calls it.
SELECT pg_current_snapshot(),
       pg_backend_pid(),
       s.epoch, s.since, s.awake_to, s.floor,
       s.swept IS NOT NULL OR clock_timestamp() >= s.upcoming_at + s.keep,
       ARRAY (
         SELECT t.xid || ':' ||
                CASE WHEN EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = t.relid)
                     THEN pgcache.touch_tree(t.relid) ELSE t.relid::text END
         FROM (SELECT DISTINCT t.xid, t.relid FROM pgcache.touches t WHERE t.xid >= $1::xid8 OR t.xid = ANY ($2::xid8[])) t),
       {events}
FROM pgcache.touch_state s
