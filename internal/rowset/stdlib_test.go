package rowset

import (
	"context"
	"database/sql/driver"
	"net"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
)

// A recital is one end of a connection whose other end answers every query with the result that the test has set: so the
// tests can hold a replay against pgx's real stdlib, over any bytes that a server could send.
type recital struct {
	conn   *stdlib.Conn
	fields []pgconn.FieldDescription
	rows   [][][]byte
	fail   string // if not empty, the error after the rows
}

func newRecital(tb testing.TB) *recital {
	tb.Helper()
	config, err := pgx.ParseConfig("host=recital user=tester sslmode=disable default_query_exec_mode=simple_protocol")
	if err != nil {
		tb.Fatal(err)
	}
	r := &recital{}
	config.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }
	config.DialFunc = func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go r.serve(server)
		return client, nil
	}
	conn, err := stdlib.GetConnector(*config).Connect(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	r.conn = conn.(*stdlib.Conn)
	return r
}

// serve ends when the client closes its end.
func (r *recital) serve(conn net.Conn) {
	defer conn.Close()
	backend := pgproto3.NewBackend(conn, conn)
	if _, err := backend.ReceiveStartupMessage(); err != nil {
		return
	}
	backend.Send(&pgproto3.AuthenticationOk{})
	backend.Send(&pgproto3.ParameterStatus{Name: "standard_conforming_strings", Value: "on"})
	backend.Send(&pgproto3.ParameterStatus{Name: "client_encoding", Value: "UTF8"})
	backend.Send(&pgproto3.BackendKeyData{ProcessID: 1, SecretKey: []byte{1, 2, 3, 4}})
	backend.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	for backend.Flush() == nil {
		message, err := backend.Receive()
		if err != nil {
			return
		}
		if _, ok := message.(*pgproto3.Query); ok {
			r.recite(backend)
		}
	}
}

func (r *recital) recite(backend *pgproto3.Backend) {
	description := &pgproto3.RowDescription{Fields: make([]pgproto3.FieldDescription, len(r.fields))}
	for i, f := range r.fields {
		description.Fields[i] = pgproto3.FieldDescription{
			Name: []byte(f.Name), TableOID: f.TableOID, TableAttributeNumber: f.TableAttributeNumber,
			DataTypeOID: f.DataTypeOID, DataTypeSize: f.DataTypeSize, TypeModifier: f.TypeModifier, Format: f.Format,
		}
	}
	backend.Send(description)
	for _, row := range r.rows {
		backend.Send(&pgproto3.DataRow{Values: row})
	}
	if r.fail != "" {
		backend.Send(&pgproto3.ErrorResponse{Severity: "ERROR", Code: "22012", Message: r.fail})
	} else {
		backend.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT")})
	}
	backend.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
}

// stdlibRows gives the result as pgx's stdlib reads it.
func (r *recital) stdlibRows(tb failer, fields []pgconn.FieldDescription, rows [][][]byte) driver.Rows {
	tb.Helper()
	r.fields, r.rows = fields, rows
	got, err := r.conn.QueryContext(context.Background(), "recite", nil)
	if err != nil {
		tb.Fatal(err)
	}
	return got
}

// typeMap is the connection's.
func (r *recital) typeMap() *pgtype.Map { return r.conn.Conn().TypeMap() }

// build makes the Set of a result, as the connection with the type map m sees it.
func build(tb failer, m *pgtype.Map, fields []pgconn.FieldDescription, rows [][][]byte) *Set {
	tb.Helper()
	columns, err := Columns(fields, m)
	if err != nil {
		tb.Fatal(err)
	}
	b := NewBuilder(columns)
	for _, row := range rows {
		if err := b.Append(row); err != nil {
			tb.Fatal(err)
		}
	}
	return b.Set()
}
