package setup

import "strings"

// Version numbers of servers, as server_version_num gives them.
const (
	version15 = 150000 // publications of schemas, row filters, lists of columns
	version18 = 180000 // generated columns in publications
)

// CoveredByWAL is a SQL expression that tells whether every change of a relation reaches a reader of the publication: of a
// table, as an object identifier, whose name is given by another expression. It holds for what is stored: a partitioned
// table is covered, and its partitions have to be asked about too, as tables that inherit. For anything but a table or a
// materialized view it is false.
//
// version is the server's server_version_num. A table that has just joined the publication may lack the changes of
// transactions that wrote it before: whoever relies on the expression does so from the next stream on.
func CoveredByWAL(version int, oid, publication string) string {
	member := walMember15
	if version < version15 {
		member = walMember14
	}
	return expression(walCovered, "{member}", member, "{events}", eventsComplete, "{oid}", oid, "{publication}", publication)
}

// CoveredByTouch is a SQL expression that tells whether every change of a relation is written to the touch log. See
// [CoveredByWAL]. It holds from the moment that it is true: the trigger waited for those who were writing.
func CoveredByTouch(oid string) string {
	return expression(touchCovered, "{touches}", touchTrigger, "{events}", eventsComplete, "{oid}", oid)
}

// expression fills in a template, whose values may hold further places.
func expression(template string, places ...string) string {
	for i := 0; i < len(places); i += 2 {
		template = strings.ReplaceAll(template, places[i], places[i+1])
	}
	return template
}

const walCovered = `coalesce((
  SELECT CASE c.relkind
    WHEN 'r' THEN c.relpersistence = 'p' AND EXISTS (
      SELECT FROM pg_catalog.pg_publication p
      WHERE p.pubname = {publication}
        AND p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate AND NOT p.pubviaroot
        AND (p.puballtables OR {member}))
    WHEN 'p' THEN true
    WHEN 'm' THEN {events}
  END
  FROM pg_catalog.pg_class c WHERE c.oid = {oid}), false)`

// Of p (a publication) and c (a table): whether c is in p, itself, by a partitioned table, or by a schema. However it is, a filter or
// a list of columns of its own applies to it.
const (
	walMember14 = `EXISTS (
          SELECT FROM pg_catalog.pg_publication_rel r
          WHERE r.prpubid = p.oid
            AND (r.prrelid = c.oid
                 OR r.prrelid IN (SELECT a::pg_catalog.oid FROM pg_catalog.pg_partition_ancestors(c.oid) a)))`
	walMember15 = `(EXISTS (
          SELECT FROM pg_catalog.pg_publication_rel r
          WHERE r.prpubid = p.oid AND r.prqual IS NULL AND r.prattrs IS NULL
            AND (r.prrelid = c.oid
                 OR r.prrelid IN (SELECT a::pg_catalog.oid FROM pg_catalog.pg_partition_ancestors(c.oid) a)))
        OR EXISTS (
          SELECT FROM pg_catalog.pg_publication_namespace n
          WHERE n.pnpubid = p.oid
            AND n.pnnspid IN (
              SELECT c.relnamespace
              UNION ALL
              SELECT above.relnamespace
              FROM pg_catalog.pg_partition_ancestors(c.oid) a JOIN pg_catalog.pg_class above ON above.oid = a::pg_catalog.oid)))
        AND NOT EXISTS (
          SELECT FROM pg_catalog.pg_publication_rel f
          WHERE f.prpubid = p.oid AND f.prrelid = c.oid AND (f.prqual IS NOT NULL OR f.prattrs IS NOT NULL))`
)

// A statement fires the triggers of the table that it names, not those of partitions and children, so all above must have
// the trigger. The server's own subscriptions fire no trigger of statements.
const touchCovered = `coalesce((
  SELECT CASE
    WHEN c.relkind IN ('r', 'p') THEN c.relpersistence IN ('p', 'u') AND NOT EXISTS (
      WITH RECURSIVE line(oid) AS (
        SELECT c.oid UNION SELECT i.inhparent FROM line l JOIN pg_catalog.pg_inherits i ON i.inhrelid = l.oid)
      SELECT FROM line l
      WHERE NOT {touches} OR EXISTS (SELECT FROM pg_catalog.pg_subscription_rel s WHERE s.srrelid = l.oid))
    WHEN c.relkind = 'm' THEN {events}
  END
  FROM pg_catalog.pg_class c WHERE c.oid = {oid}), false)`

// Of l (a table): whether all statements that write it are logged. tgtype has a bit for rows (1), INSERT (4), DELETE (8),
// UPDATE (16) and TRUNCATE (32).
const touchTrigger = `EXISTS (
        SELECT FROM pg_catalog.pg_trigger g
        JOIN pg_catalog.pg_proc f ON f.oid = g.tgfoid JOIN pg_catalog.pg_namespace s ON s.oid = f.pronamespace
        WHERE g.tgrelid = l.oid AND g.tgenabled = 'A' AND g.tgtype::int & 61 = 60 AND g.tgattr::text = ''
          AND g.tgqual IS NULL AND f.proname = 'touch' AND s.nspname = 'pgcache')`

// Whether changes of the schema are told.
const eventsComplete = `(
      SELECT count(DISTINCT e.evtevent) = 2 FROM pg_catalog.pg_event_trigger e
      JOIN pg_catalog.pg_proc f ON f.oid = e.evtfoid JOIN pg_catalog.pg_namespace s ON s.oid = f.pronamespace
      WHERE e.evtenabled = 'A' AND e.evttags IS NULL AND e.evtevent IN ('ddl_command_end', 'sql_drop')
        AND f.proname = 'ddl_changed' AND s.nspname = 'pgcache')`
