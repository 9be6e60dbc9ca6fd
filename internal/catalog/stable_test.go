package catalog

import (
	_ "embed"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

//go:embed testdata/stable_refused.txt
var stableRefusedTxt string

// Every stable function that came with the server has been judged by a human, once: it is in one of the two lists. One that
// a newer server brings is refused until somebody adds it to either.
func TestEveryStableFunctionIsJudged(t *testing.T) {
	conn, err := pgx.Connect(t.Context(), pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	refused := signatures(stableRefusedTxt)
	seen := map[string]bool{}
	rows, _ := conn.Query(t.Context(), `
		select oid, pronamespace::regnamespace::text, proname, oidvectortypes(proargtypes), provolatile::text
		from pg_proc where oid < 16384 and provolatile = 's'`)
	var f Function
	_, err = pgx.ForEachRow(rows, []any{&f.OID, &f.Schema, &f.Name, &f.Arguments, &f.Volatility}, func() error {
		signature := f.Name + "(" + f.Arguments + ")"
		if f.Schema != "pg_catalog" {
			signature = f.Schema + "." + signature
		}
		seen[signature] = true
		switch yes, no := ofSession[signature], refused[signature]; {
		case yes && no:
			t.Errorf("%s is in both lists", signature)
		case !yes && !no:
			t.Errorf("%s is unjudged: read what it does, and add it to stable.txt or testdata/stable_refused.txt", signature)
		case f.OfSession() != yes:
			t.Errorf("%s: of session %v", signature, !yes)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	version := conn.PgConn().ParameterStatus("server_version")
	for signature := range ofSession {
		if !seen[signature] && !elsewhere[signature] {
			t.Errorf("PostgreSQL %s has no stable %s", version, signature)
		}
	}
	if len(seen) < 600 {
		t.Errorf("only %d stable functions", len(seen))
	}
}

// elsewhere are the functions that not every version from 14 to 18 has, or has as stable.
var elsewhere = signatures(`
# since 15
interval_out(interval)
# since 16
date_add(timestamp with time zone, interval)
date_subtract(timestamp with time zone, interval)
json_agg_strict(anyelement)
json_agg_strict_transfn(internal, anyelement)
json_object_agg_strict("any", "any")
json_object_agg_strict_transfn(internal, "any", "any")
json_object_agg_unique("any", "any")
json_object_agg_unique_strict("any", "any")
json_object_agg_unique_strict_transfn(internal, "any", "any")
json_object_agg_unique_transfn(internal, "any", "any")
jsonb_agg_strict(anyelement)
jsonb_agg_strict_transfn(internal, anyelement)
jsonb_object_agg_strict_transfn(internal, "any", "any")
jsonb_object_agg_unique_strict_transfn(internal, "any", "any")
jsonb_object_agg_unique_transfn(internal, "any", "any")
# immutable since 16
date_trunc(text, timestamp with time zone, text)
# since 17
timezone(timestamp with time zone)
timezone(timestamp without time zone)
`)

// Stable operators and casts are not named in a statement, so all that there are must be of the session, or be met by what the
// types of the values say.
func TestStableOperatorsAndCastsAreOfTheSession(t *testing.T) {
	conn, err := pgx.Connect(t.Context(), pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, _ := conn.Query(t.Context(), `
		select p.oid, p.pronamespace::regnamespace::text, p.proname, oidvectortypes(p.proargtypes), p.provolatile::text
		from pg_proc p
		where p.oid in (select oprcode from pg_operator where oid < 16384 union select castfunc from pg_cast where oid < 16384)
			and p.provolatile <> 'i'`)
	others := map[string]bool{
		"regclass(text)":                 true, // where a regclass is wanted: see TestNameLookups
		"timetz(time without time zone)": true, // where a time with time zone is wanted: see TestTimesWithTimeZone
	}
	var f Function
	_, err = pgx.ForEachRow(rows, []any{&f.OID, &f.Schema, &f.Name, &f.Arguments, &f.Volatility}, func() error {
		if !f.OfSession() && !others[f.Name+"("+f.Arguments+")"] {
			t.Errorf("%+v", f)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
