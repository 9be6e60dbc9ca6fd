// Package statement reads SQL text and says what it would do: which relations, functions, types and operators it names,
// which tables it writes, which settings it reads and gives values to, of which tables it reads certain rows only, whether it
// may change the session or the schema, and, when it is not a plain read, why not.
//
// It knows the text only. What the names stand for is asked of the catalog (package catalog). The rule throughout is
// default deny: syntax that this package does not know is never a read, and text that it can't parse may do anything. The
// parser is not ours, so what it made of a text is held against the text.
package statement
