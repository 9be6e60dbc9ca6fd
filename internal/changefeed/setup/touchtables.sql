-- Which transaction has written which table. Relation 0 stands for all of them and for what names mean. Nothing here needs
-- to survive a crash: after one, readers begin anew.
CREATE UNLOGGED TABLE pgcache.touches (
  xid xid8 NOT NULL,
  relid oid NOT NULL
) WITH (
  -- Rows come and go, and a shorter file is not worth the lock.
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_insert_threshold = -1,
  autovacuum_analyze_threshold = 2000000000, vacuum_truncate = off);
CREATE INDEX touches_xid ON pgcache.touches (xid);
COMMENT ON TABLE pgcache.touches IS 'pgcache: which transaction has written which table';

-- One row that all readers share. It is gone after a crash, which is how they learn of it.
CREATE UNLOGGED TABLE pgcache.touch_state (
  one bool PRIMARY KEY DEFAULT true CHECK (one),
  -- The log's name, until it is begun anew.
  epoch uuid NOT NULL DEFAULT gen_random_uuid(),
  -- The server that it belongs to: what a restore brings from another is worth nothing.
  system bigint NOT NULL DEFAULT (pg_control_system()).system_identifier,
  -- The log holds the writes of all transactions after since and before awake_to.
  since bigint NOT NULL,
  awake_to bigint NOT NULL,
  raises bigint NOT NULL DEFAULT 0,
  -- What floor sees may be gone from the log; upcoming is the floor to come, once it is older than keep. swept is the floor
  -- before, while the rows between the two are being deleted; those of transactions before sweeping are gone.
  floor pg_snapshot NOT NULL DEFAULT pg_current_snapshot(),
  upcoming pg_snapshot NOT NULL DEFAULT pg_current_snapshot(),
  upcoming_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  keep interval NOT NULL DEFAULT '30 seconds',
  swept pg_snapshot,
  sweeping xid8
);
COMMENT ON TABLE pgcache.touch_state IS 'pgcache: what the readers of the touch log agree on';

-- Transactions from this number on need not be in the log: it falls asleep when nobody reads it, and can't grow for ever.
-- It is a sequence because a sequence shows its latest value to everybody, whatever their snapshot.
CREATE SEQUENCE pgcache.touch_limit;
COMMENT ON SEQUENCE pgcache.touch_limit IS 'pgcache: the transaction from which on nothing is written to the touch log';

-- No table has the trigger yet, and making one waits for those who write to the table. So whoever wrote before is visible to
-- the first reader, and nothing will be missing. Otherwise the first reader makes the row.
INSERT INTO pgcache.touch_state (since, awake_to)
SELECT 0, pg_catalog.setval('pgcache.touch_limit', pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint + (1 << 20))
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgname = 'pgcache_touch');

GRANT SELECT ON pgcache.touches, pgcache.touch_state TO PUBLIC;
