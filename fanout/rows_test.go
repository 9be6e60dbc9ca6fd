package fanout_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gopgcache/pgcache/fanout"
)

var noon = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

// upper is a sql.Scanner of a kind that would be a row otherwise.
type upper struct{ text string }

func (u *upper) Scan(src any) error {
	s, ok := src.(string)
	if !ok {
		return errors.New("not a text")
	}
	u.text += strings.ToUpper(s) // += shows a value that was not fresh
	return nil
}

type (
	cents  int64
	person struct {
		ID       int64
		FullName string
		Email    *string
		Phone    sql.Null[string]
		BornOn   time.Time `db:"birth"`
		Ignored  int       `db:"-"`
		hidden   int       //nolint:unused // it is there to be overlooked
	}
	audited struct{ CreatedAt time.Time }
	Stamp   struct{ ID, Version int64 }
	order   struct {
		audited
		*Stamp
		ID    int64
		Total cents
		Owner upper
	}
	left  struct{ X int }
	right struct{ X int }
	torn  struct {
		left
		right
	}
	unfit struct{ Parts []string }
	raw   struct{ B sql.RawBytes }
)

// answer reads one result into a T.
func answer[T any](t testing.TB, columns []string, rows ...[]driver.Value) (T, error) {
	db, _ := fake(t, func(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
		return table(columns, rows...), nil
	})
	var v T
	err := fanout.Group{DB: db}.Run(context.Background(), fanout.Into(&v, "query"))
	allBack(t, db)
	return v, err
}

// reads checks that a result is read as want.
func reads[T any](want T, columns []string, rows ...[]driver.Value) func(*testing.T) {
	return func(t *testing.T) {
		got, err := answer[T](t, columns, rows...)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestRowsAreReadByShape(t *testing.T) {
	n := []string{"n"}
	people := []string{"id", "full_name", "email", "phone", "birth"}
	ann := person{ID: 1, FullName: "Ann", Email: new("a@b"), Phone: sql.Null[string]{V: "1", Valid: true}, BornOn: noon}
	annRow := []driver.Value{int64(1), "Ann", "a@b", "1", noon}
	bob := person{ID: 2, FullName: "Bob", BornOn: noon}
	bobRow := []driver.Value{int64(2), "Bob", nil, nil, noon}
	for name, test := range map[string]func(*testing.T){
		"int64":             reads(int64(7), n, []driver.Value{int64(7)}),
		"named int":         reads(cents(7), n, []driver.Value{int64(7)}),
		"string":            reads("a", n, []driver.Value{"a"}),
		"bytes":             reads([]byte("a"), n, []driver.Value{[]byte("a")}),
		"json":              reads(json.RawMessage("{}"), n, []driver.Value{[]byte("{}")}),
		"time":              reads(noon, n, []driver.Value{noon}),
		"any":               reads(any(int64(7)), n, []driver.Value{int64(7)}),
		"scanner":           reads(upper{"A"}, n, []driver.Value{"a"}),
		"sql.Null":          reads(sql.Null[int64]{}, n, []driver.Value{nil}),
		"pointer":           reads(new(int64(7)), n, []driver.Value{int64(7)}),
		"pointer, NULL":     reads((*int64)(nil), n, []driver.Value{nil}),
		"pointer, no row":   reads((*int64)(nil), n),
		"scanner pointer":   reads(new(upper{"A"}), n, []driver.Value{"a"}),
		"scanner, no row":   reads((*upper)(nil), n),
		"scalars":           reads([]int64{1, 2}, n, []driver.Value{int64(1)}, []driver.Value{int64(2)}),
		"scanners":          reads([]upper{{"A"}, {"B"}}, n, []driver.Value{"a"}, []driver.Value{"b"}),
		"no scalars":        reads([]int64{}, n),
		"nullable scalars":  reads([]*int64{nil, new(int64(2))}, n, []driver.Value{nil}, []driver.Value{int64(2)}),
		"many bytes":        reads([][]byte{[]byte("a")}, n, []driver.Value{[]byte("a")}),
		"struct":            reads(ann, people, annRow),
		"struct with NULLs": reads(bob, people, bobRow),
		"struct pointer":    reads(&ann, people, annRow),
		"struct, no row":    reads((*person)(nil), people),
		"structs":           reads([]person{ann, bob}, people, annRow, bobRow),
		"struct pointers":   reads([]*person{&bob, &ann}, people, bobRow, annRow),
		"fewer columns":     reads(person{ID: 1}, []string{"id"}, []driver.Value{int64(1)}),
		"embedded": reads(order{audited{noon}, &Stamp{Version: 4}, 3, 5, upper{"ANN"}},
			[]string{"created_at", "version", "id", "total", "owner"}, []driver.Value{noon, int64(4), int64(3), int64(5), "ann"}),
		"map":  reads(map[string]any{"a": int64(1), "b": nil}, []string{"a", "b"}, []driver.Value{int64(1), nil}),
		"maps": reads([]map[string]any{{"a": int64(1)}, {"a": "x"}}, []string{"a"}, []driver.Value{int64(1)}, []driver.Value{"x"}),
	} {
		t.Run(name, test)
	}
}

// fails checks that a result can't be read into a T, and what the error says.
func fails[T any](want string, columns []string, rows ...[]driver.Value) func(*testing.T) {
	return func(t *testing.T) {
		got, err := answer[T](t, columns, rows...)
		if err == nil {
			t.Fatalf("read as %+v", got)
		}
		if want := "fanout: query 0 (query): " + want; err.Error() != want {
			t.Errorf("got  %v\nwant %v", err, want)
		}
	}
}

func TestMismatchesNameColumnAndField(t *testing.T) {
	n := []string{"n"}
	two := [][]driver.Value{{int64(1)}, {int64(2)}}
	for name, test := range map[string]func(*testing.T){
		"no row":         fails[int64]("sql: no rows in result set", n),
		"two rows":       fails[int64]("more than one row for a query that takes one", n, two...),
		"two rows for *": fails[*int64]("more than one row for a query that takes one", n, two...),
		"two columns":    fails[int64](`int64 takes one column, the query has 2 ["a" "b"]`, []string{"a", "b"}),
		"NULL": fails[int64](`column "n" into int64: sql: Scan error on column index 0, name "n": converting NULL to int64 is unsupported`,
			n, []driver.Value{nil}),
		"NULL in a struct": fails[[]person](`column "full_name" into fanout_test.person.FullName (string): sql: Scan error on column index 1, name "full_name": converting NULL to string is unsupported`,
			[]string{"id", "full_name"}, []driver.Value{int64(1), "Ann"}, []driver.Value{int64(1), nil}),
		"embedded field": fails[order](`column "version" into fanout_test.order.Stamp.Version (int64): sql: Scan error on column index 1, name "version": converting driver.Value type string ("x") to a int64: invalid syntax`,
			[]string{"id", "version"}, []driver.Value{int64(1), "x"}),
		"unknown column":  fails[person](`column "age" has no field in fanout_test.person: name one so, or tag it `+"`db:\"age\"`", []string{"age"}),
		"ignored field":   fails[person](`column "ignored" has no field in fanout_test.person: name one so, or tag it `+"`db:\"ignored\"`", []string{"ignored"}),
		"hidden field":    fails[person](`column "hidden" has no field in fanout_test.person: name one so, or tag it `+"`db:\"hidden\"`", []string{"hidden"}),
		"twice":           fails[person](`two columns of the result are named "id"`, []string{"id", "id"}),
		"twice in a map":  fails[map[string]any](`two columns of the result are named "id"`, []string{"id", "id"}),
		"ambiguous":       fails[torn](`column "x" has more than one field in fanout_test.torn`, []string{"x"}),
		"unfit field":     fails[unfit](`column "parts" into fanout_test.unfit.Parts: a column can't be read into []string`, []string{"parts"}),
		"unfit type":      fails[chan int]("a row can't be read into chan int", n),
		"pointer pointer": fails[**int]("a row can't be read into **int", n),
		"map of strings":  fails[map[string]string]("a row can't be read into map[string]string, only into map[string]any", n),
		"raw bytes":       fails[[]sql.RawBytes]("sql.RawBytes does not outlive its row: take []byte", n),
		"raw bytes field": fails[raw]("sql.RawBytes does not outlive its row: take []byte", []string{"b"}),
	} {
		t.Run(name, test)
	}
}

// Whatever the names, each column ends up in the field that has its name.
func TestColumnsFindTheirFields(t *testing.T) {
	type wide struct {
		A, B, C, D int64
		LongName   int64
	}
	rapid.Check(t, func(rt *rapid.T) {
		columns := rapid.Permutation([]string{"a", "B", "c", "D", "long_name"}).Draw(rt, "columns")
		columns = columns[:rapid.IntRange(1, len(columns)).Draw(rt, "n")]
		row := make([]driver.Value, len(columns))
		want := wide{}
		for i, c := range columns {
			v := rapid.Int64().Draw(rt, c)
			row[i] = v
			*map[string]*int64{"a": &want.A, "B": &want.B, "c": &want.C, "D": &want.D, "long_name": &want.LongName}[c] = v
		}
		got, err := answer[wide](t, columns, row)
		if err != nil || got != want {
			rt.Fatalf("got %+v, %v; want %+v", got, err, want)
		}
	})
}

func TestCustomRead(t *testing.T) {
	db, _ := fake(t, func(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
		return table([]string{"k", "v"}, []driver.Value{"a", int64(1)}, []driver.Value{"b", int64(2)}), nil
	})
	q := fanout.Query[map[string]int]{SQL: "query", Read: func(_ context.Context, rows *sql.Rows) (map[string]int, error) {
		m := make(map[string]int)
		for rows.Next() {
			var k string
			var v int
			if err := rows.Scan(&k, &v); err != nil {
				return nil, err
			}
			m[k] = v
		}
		return m, nil
	}}
	got, err := fanout.Collect(testContext(t), fanout.Group{DB: db}, q)
	if want := []map[string]int{{"a": 1, "b": 2}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}
