-- Tells the feeds that anything may have changed, names included. Anybody may call it: it only costs needless misses.
CREATE OR REPLACE FUNCTION pgcache.schema_changed(what text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_logical_emit_message(true, 'pgcache.ddl', what);
  IF to_regclass('pgcache.touches') IS NOT NULL THEN
    INSERT INTO pgcache.touches (xid, relid) VALUES (pg_current_xact_id(), 0);
  END IF;
END $$;
COMMENT ON FUNCTION pgcache.schema_changed(text) IS 'pgcache: tells the feeds of a change of the schema';

-- Called at the end of every command that changes the schema. What only touches temporary objects, or can't change the
-- result of a read, is not told.
CREATE OR REPLACE FUNCTION pgcache.ddl_changed() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  total bigint;
  lasting bigint;
BEGIN
  IF tg_tag IN ('COMMENT', 'CREATE INDEX', 'REINDEX', 'CREATE STATISTICS', 'ALTER STATISTICS', 'DROP STATISTICS') THEN
    RETURN;
  END IF;
  IF tg_event = 'sql_drop' THEN
    -- A rule of a temporary view counts as lasting; what it was dropped along with is in the list too.
    SELECT count(*) INTO lasting FROM pg_event_trigger_dropped_objects()
    WHERE NOT is_temporary AND (original OR object_type <> 'rule');
    IF lasting = 0 THEN
      RETURN;
    END IF;
  ELSE
    SELECT count(*), count(*) FILTER (WHERE schema_name IS DISTINCT FROM 'pg_temp') INTO total, lasting
    FROM pg_event_trigger_ddl_commands();
    -- Without a command in the list nothing was made (IF NOT EXISTS), or it was dropped, which is told apart.
    IF lasting = 0 AND (total > 0 OR tg_tag LIKE 'CREATE %' OR tg_tag LIKE 'DROP %' AND tg_tag <> 'DROP OWNED') THEN
      RETURN;
    END IF;
  END IF;
  -- The same as schema_changed, which somebody may have renamed: that must not stand in the way of everybody's commands.
  PERFORM pg_logical_emit_message(true, 'pgcache.ddl', tg_tag);
  IF to_regclass('pgcache.touches') IS NOT NULL THEN
    INSERT INTO pgcache.touches (xid, relid) VALUES (pg_current_xact_id(), 0);
  END IF;
END $$;
COMMENT ON FUNCTION pgcache.ddl_changed() IS 'pgcache: called by the event triggers pgcache_ddl and pgcache_drop';

GRANT EXECUTE ON FUNCTION pgcache.schema_changed(text) TO PUBLIC;
GRANT USAGE ON SCHEMA pgcache TO PUBLIC;
