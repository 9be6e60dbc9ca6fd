// Package catalog asks PostgreSQL what the names in a statement stand for: which tables are read once views, policies,
// partitions and inheritance are followed, which functions can be called and how volatile the worst of them is, which
// settings are read on the way, and which tables a write can reach through cascades, rules and triggers.
//
// The answers come from the catalogs in one round trip, on the connection that will run the statement, so that the
// session's search_path and role decide as they will for the statement itself. The queries read the stored expression
// trees, because the dependency catalog leaves built-in objects out: a random() inside a view is invisible there.
//
// Every answer has a version: a hash of the catalog rows that it rests on, with the transactions that wrote them. It is
// another one after a change of the schema, of rights or of roles, whoever made it.
//
// Where the answer is not certain it errs to one side: more tables, a more volatile function, a write that may reach
// everything.
package catalog
