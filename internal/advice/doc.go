// Package advice counts what a cache would have done for queries that all went to PostgreSQL.
//
// Each statement, told by its text without literals, has its queries' keys; each key has what would be kept of it under every
// ttl of a ladder, once in a cache that goes by ttl alone and once in one that knows of changes too. Of what would be kept only
// its age, a hash and a position are remembered, never a row. So a query tells of every ttl whether it would have been a hit,
// and whether the hit would have been a lie: another row set than the one that PostgreSQL gave.
//
// Memory is bounded: MaxStatements statements of at most MaxText bytes each, the least asked of which makes room for a new
// one, and MaxKeys keys of about 220 bytes. When there are more keys the statement that has the most goes on with half of
// them, chosen by a hash, and counts each twice. Its shares are then estimates: with n keys left, and queries spread evenly
// over them, the standard error of a share p is about sqrt(p(1-p)/n), that is, below 0.01 for the 8,192 keys and more that the
// greatest statement has left when few statements share the room. Statements with few keys are counted exactly.
package advice
