package linear_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/gopgcache/pgcache/internal/testenv"
)

// lateBy is how long the standby takes to confirm what it has got.
const lateBy = 3 * time.Millisecond

// waitForLateStandby has every commit on a server wait for a synchronous standby that keeps nothing and answers late. Commits
// are in the WAL then, and are told to those who decode it, for a long while before anybody can see them.
func waitForLateStandby(t *testing.T, server *testenv.Server) {
	t.Helper()
	config, err := pgconn.ParseConfig(server.DSN(""))
	if err != nil {
		t.Fatal(err)
	}
	config.RuntimeParams["replication"] = "true"
	config.RuntimeParams["application_name"] = "late"
	conn, err := pgconn.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	system, err := pglogrepl.IdentifySystem(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	_, err = pglogrepl.CreateReplicationSlot(t.Context(), conn, "late", "", pglogrepl.CreateReplicationSlotOptions{
		Temporary: true, Mode: pglogrepl.PhysicalReplication,
	})
	if err != nil {
		t.Fatal(err)
	}
	err = pglogrepl.StartReplication(t.Context(), conn, "late", system.XLogPos, pglogrepl.StartReplicationOptions{Mode: pglogrepl.PhysicalReplication})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); stand(ctx, conn) }()
	t.Cleanup(func() { stop(); <-done })
	control := connect(t, server.DSN(""))
	execute(t, control, "alter system set synchronous_standby_names = 'late'")
	execute(t, control, "select pg_reload_conf()")
	eventually(t, "a synchronous standby", func() bool {
		return ask[bool](t, control, "select exists (select from pg_stat_replication where sync_state = 'sync')")
	})
	t.Cleanup(func() {
		last, err := pgx.Connect(context.Background(), server.DSN(""))
		if err != nil {
			return // the server is down
		}
		defer last.Close(context.Background())
		for _, sql := range []string{"alter system reset synchronous_standby_names", "select pg_reload_conf()"} {
			if _, err := last.Exec(context.Background(), sql); err != nil {
				t.Error(err)
			}
		}
	})
}

// received is a position that was reached, and when.
type received struct {
	position pglogrepl.LSN
	at       time.Time
}

// stand plays the standby until the context or the connection ends.
func stand(ctx context.Context, conn *pgconn.PgConn) {
	defer conn.Close(context.Background())
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	queue := make(chan received, 1<<16)
	confirmed := make(chan struct{})
	go func() { defer close(confirmed); confirmLate(ctx, conn, queue) }()
	defer func() { close(queue); <-confirmed }()
	for {
		message, err := conn.ReceiveMessage(ctx)
		if err != nil {
			return
		}
		data, ok := message.(*pgproto3.CopyData)
		if !ok {
			continue
		}
		switch data.Data[0] {
		case pglogrepl.XLogDataByteID:
			if log, err := pglogrepl.ParseXLogData(data.Data[1:]); err == nil {
				queue <- received{log.WALStart + pglogrepl.LSN(len(log.WALData)), time.Now()}
			}
		case pglogrepl.PrimaryKeepaliveMessageByteID:
			if alive, err := pglogrepl.ParsePrimaryKeepaliveMessage(data.Data[1:]); err == nil && alive.ReplyRequested {
				queue <- received{at: time.Now()}
			}
		}
	}
}

// confirmLate confirms each position when it is old enough.
func confirmLate(ctx context.Context, conn *pgconn.PgConn, queue <-chan received) {
	var last pglogrepl.LSN
	for r := range queue {
		timer := time.NewTimer(time.Until(r.at.Add(lateBy)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		last = max(last, r.position)
		if pglogrepl.SendStandbyStatusUpdate(ctx, conn, pglogrepl.StandbyStatusUpdate{WALWritePosition: last}) != nil {
			return
		}
	}
}

// connect connects to a server for the test.
func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func execute(t *testing.T, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// ask gives the one value of a query.
func ask[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) (value T) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// patience bounds a wait for something that is bound to come.
const patience = time.Minute

// eventually looks again and again until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for began := time.Now(); !holds(); <-look.C {
		if time.Since(began) > patience {
			t.Fatal("never came: ", what)
		}
	}
}
