-- The catalog rows of text search with the transactions that wrote them. One text column.
SELECT pg_catalog.concat_ws(';',
  (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', c.oid, c.xmin), ',' ORDER BY c.oid) FROM pg_catalog.pg_ts_config c),
  (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', d.oid, d.xmin), ',' ORDER BY d.oid) FROM pg_catalog.pg_ts_dict d),
  (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', m.mapcfg, m.maptokentype, m.mapseqno, m.mapdict, m.xmin), ','
                                ORDER BY m.mapcfg, m.maptokentype, m.mapseqno) FROM pg_catalog.pg_ts_config_map m),
  pg_catalog.current_setting('default_text_search_config'))
