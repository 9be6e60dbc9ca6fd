CREATE EVENT TRIGGER pgcache_ddl ON ddl_command_end EXECUTE FUNCTION pgcache.ddl_changed();
ALTER EVENT TRIGGER pgcache_ddl ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER pgcache_ddl IS 'pgcache: tells the feeds of commands that change the schema';
CREATE EVENT TRIGGER pgcache_drop ON sql_drop EXECUTE FUNCTION pgcache.ddl_changed();
ALTER EVENT TRIGGER pgcache_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER pgcache_drop IS 'pgcache: tells the feeds of what is dropped';
