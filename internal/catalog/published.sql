-- Which of the tables that a statement reads a publication does not tell everything of, by name; and the last transaction
-- that may have changed one of them unseen, before it was published.
-- $1 oid[] relations  $2 text publication
WITH published AS (
  SELECT c.oid
  FROM pg_catalog.pg_publication p
  JOIN pg_catalog.pg_publication_tables t ON t.pubname = p.pubname
  JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
  WHERE p.pubname = $2 AND p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate AND NOT p.pubviaroot
    AND pg_catalog.to_jsonb(t) ->> 'rowfilter' IS NULL)
SELECT pg_catalog.jsonb_build_object(
  'missing', (
    SELECT pg_catalog.jsonb_agg(n.nspname || '.' || c.relname ORDER BY c.oid)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = ANY ($1::pg_catalog.oid[]) AND c.relkind NOT IN ('v', 'p') AND c.oid NOT IN (SELECT oid FROM published)),
  'after', pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::int8 - 1)
