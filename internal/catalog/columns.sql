-- The columns of tables whose values have one text form, so that rows can be told by them; and the last transaction that may
-- have ended.
-- $1 oid[] tables
SELECT pg_catalog.jsonb_build_object(
  'after', pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::int8 - 1,
  'columns', pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('table', c.oid::int8, 'name', a.attname, 'type', a.atttypid::int8)))
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
WHERE c.oid = ANY ($1::pg_catalog.oid[]) AND c.relkind = 'r' AND NOT c.relhassubclass
  AND a.atttypid IN (16, 20, 21, 23, 25, 1043, 2950) -- bool, the integers, text, varchar, uuid
  AND coalesce(l.collisdeterministic, true)
  AND NOT EXISTS ( -- by which other values are equal
    SELECT FROM pg_catalog.pg_operator o WHERE o.oprname = '=' AND o.oid >= 16384 AND least(o.oprleft, o.oprright) < 16384)
  AND a.attgenerated = '' -- those are computed from others, and servers before 18 don't tell of them
