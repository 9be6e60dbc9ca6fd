-- The trigger. It runs with every statement that writes, so all is left out that costs a microsecond: looking whether there is
-- a row already, and setting the search_path, which no name and no operator here depends on. A statement that has written
-- nothing, in a transaction that has written nothing, has no number, and is not smaller than anything.
CREATE OR REPLACE FUNCTION pgcache.touch() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  IF pg_catalog.txid_current_if_assigned() OPERATOR(pg_catalog.<) pg_catalog.pg_sequence_last_value('pgcache.touch_limit') THEN
    INSERT INTO pgcache.touches (xid, relid) VALUES (pg_catalog.pg_current_xact_id(), tg_relid);
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION pgcache.touch() IS 'pgcache: writes the touch log';

-- A reader calls touch_raise when awake_to is near, and then touch_confirm with what it gave, in a transaction of its own.
-- Transactions that begin to write after the first have seen the new limit, and the second begins after it: when its number
-- is below the old limit, nobody has had a number that was not. Otherwise some may have, all below its number.
CREATE OR REPLACE FUNCTION pgcache.touch_raise() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  room CONSTANT bigint := 1 << 20;
  s pgcache.touch_state;
  ahead bigint;
BEGIN
  INSERT INTO pgcache.touch_state (since, awake_to) VALUES (0, 0) ON CONFLICT DO NOTHING;
  SELECT * INTO s FROM pgcache.touch_state FOR UPDATE;
  ahead := pg_snapshot_xmax(pg_current_snapshot())::text::bigint + room;
  IF s.system <> (pg_control_system()).system_identifier OR s.awake_to > ahead THEN
    DELETE FROM pgcache.touches;
    DELETE FROM pgcache.touch_state;
    INSERT INTO pgcache.touch_state (since, awake_to) VALUES (0, 0) RETURNING * INTO s;
  END IF;
  IF s.awake_to >= ahead - room / 2 THEN
    RETURN NULL;
  END IF;
  PERFORM setval('pgcache.touch_limit', ahead);
  UPDATE pgcache.touch_state SET raises = raises + 1;
  RETURN s.raises + 1;
END $$;
COMMENT ON FUNCTION pgcache.touch_raise() IS 'pgcache: keeps the touch log awake';

CREATE OR REPLACE FUNCTION pgcache.touch_confirm(raise bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  me bigint;
BEGIN
  PERFORM FROM pgcache.touch_state WHERE raises = raise FOR UPDATE;
  IF FOUND THEN
    me := pg_current_xact_id()::text::bigint;
    UPDATE pgcache.touch_state
    SET since = CASE WHEN me < awake_to THEN since ELSE me END, awake_to = (SELECT last_value FROM pgcache.touch_limit);
  END IF;
END $$;
COMMENT ON FUNCTION pgcache.touch_confirm(bigint) IS 'pgcache: keeps the touch log awake';

-- Deletes some rows that no reader needs who has looked within the last half minute or so, and tells whether there are more.
-- It is done by one reader at a time and locks nothing that a writer needs.
CREATE OR REPLACE FUNCTION pgcache.touch_collect() RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  batch CONSTANT int := 1000;
  s pgcache.touch_state;
  gone xid8[];
BEGIN
  SELECT * INTO s FROM pgcache.touch_state FOR UPDATE SKIP LOCKED;
  IF NOT FOUND OR s.swept IS NULL AND clock_timestamp() < s.upcoming_at + s.keep THEN
    RETURN false;
  END IF;
  IF s.swept IS NULL THEN
    UPDATE pgcache.touch_state
    SET swept = floor, sweeping = pg_snapshot_xmax(floor), floor = upcoming,
        upcoming = pg_current_snapshot(), upcoming_at = clock_timestamp()
    RETURNING * INTO s;
    DELETE FROM pgcache.touches
    WHERE xid = ANY (ARRAY (SELECT pg_snapshot_xip(s.swept))) AND pg_visible_in_snapshot(xid, s.floor);
  END IF;
  WITH deleted AS (
    DELETE FROM pgcache.touches
    WHERE ctid = ANY (ARRAY (
      SELECT t.ctid FROM pgcache.touches t
      WHERE t.xid >= s.sweeping AND t.xid < pg_snapshot_xmax(s.floor) AND pg_visible_in_snapshot(t.xid, s.floor)
      ORDER BY t.xid LIMIT batch))
    RETURNING xid)
  SELECT array_agg(xid ORDER BY xid DESC) INTO gone FROM deleted;
  IF cardinality(gone) = batch THEN
    UPDATE pgcache.touch_state SET sweeping = gone[1];
    RETURN true;
  END IF;
  UPDATE pgcache.touch_state SET swept = NULL, sweeping = NULL;
  RETURN false;
END $$;
COMMENT ON FUNCTION pgcache.touch_collect() IS 'pgcache: keeps the touch log small';

-- A table and all its partitions and children, as in 16390:16395. It is called for tables that have some.
CREATE OR REPLACE FUNCTION pgcache.touch_tree(top oid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (
    WITH RECURSIVE tree(oid) AS (
      SELECT top UNION SELECT i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid)
    SELECT string_agg(oid::text, ':') FROM tree);
END $$;
COMMENT ON FUNCTION pgcache.touch_tree(oid) IS 'pgcache: tables below a table';

GRANT EXECUTE ON FUNCTION pgcache.touch(), pgcache.touch_tree(oid), pgcache.touch_raise(),
  pgcache.touch_confirm(bigint), pgcache.touch_collect() TO PUBLIC;
