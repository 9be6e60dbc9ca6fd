package sessions_test

import (
	"fmt"
	"strings"
)

// verb is what is done with a statement.
type verb string

const (
	read     verb = "read"     // query through the cache, then past it, and compare
	peek     verb = "peek"     // query through the cache, and close the rows after the first
	exec     verb = "exec"     // ExecContext
	call     verb = "call"     // QueryContext, read to the end: the statement has effects
	execStmt verb = "execStmt" // ExecContext of a prepared statement
	raw      verb = "raw"      // run on pgx's own connection, which the cache can't see
	copyIn   verb = "copy"     // CopyFrom on pgx's own connection, into the table that sql names
	begin    verb = "begin"    // BeginTx
	commit   verb = "commit"   // Tx.Commit
	rollback verb = "rollback" // Tx.Rollback
	renew    verb = "renew"    // end the session and take another
	swap     verb = "swap"     // give the connection back to the pool as it is, and take one
)

// pool is the session of statements that are run on the sql.DB itself. Nothing runs at the same time, so the pool gives
// the connection that came back last, and there is one session in effect.
const pool = -1

// op is one step of a trace. It holds all that it takes to repeat it.
type op struct {
	on   int // the session: an index, or pool
	do   verb
	sql  string
	args []any
	kind string // what it is counted as
	form form
}

// form is how a read is made.
type form struct {
	prepared bool // through a sql.Stmt
	brief    bool // which is closed after it
	row      bool // QueryRow, of one column
	ordered  bool // the statement fixes the order of its rows
	bound    bool // with a context that can end, which makes a fill run in a goroutine
	key      string
}

func (o op) String() string {
	var b strings.Builder
	if o.on == pool {
		b.WriteString("pool")
	} else {
		fmt.Fprintf(&b, "conn %d", o.on)
	}
	fmt.Fprintf(&b, ": %s", o.do)
	for _, f := range []struct {
		set  bool
		name string
	}{{o.form.prepared, "prepared"}, {o.form.prepared && o.form.brief, "brief"}, {o.form.row, "row"}, {o.form.bound, "cancellable"}, {o.form.key != "", "key " + o.form.key}} {
		if f.set {
			b.WriteString(" (" + f.name + ")")
		}
	}
	if o.sql != "" {
		b.WriteString(" " + o.sql)
	}
	for i, arg := range o.args {
		fmt.Fprintf(&b, "  $%d=%s", i+1, show(arg))
	}
	return b.String()
}
