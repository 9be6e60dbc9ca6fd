package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"

	"github.com/jackc/pglogrepl"

	"github.com/gopgcache/pgcache/internal/changefeed"
)

// ddlPrefix marks the messages that say that the schema was changed; event triggers send them, within the transaction that
// changes it.
const ddlPrefix = "pgcache.ddl"

// errOrder ends a stream whose messages come in an order that they can't.
var errOrder = errors.New("pgcache: the messages of the replication are out of order")

// errShort ends a stream with a message that claims to be longer than it is.
var errShort = errors.New("pgcache: a message of the replication is cut short")

// decoder gathers what pgoutput says into commits. Transactions come whole, one after the other, between Begin and Commit,
// prepared ones when they are committed; large ones come in pieces while they run, to be committed or aborted later.
type decoder struct {
	interest *changefeed.Interest
	// deliver is called with each commit.
	deliver func(xid uint32, end uint64, c *changes)
	// relations are what tables look like to transactions that come whole.
	relations map[uint32]*relation
	// whole is the transaction that comes whole, if one is coming, and xid its number.
	whole *changes
	xid   uint32
	// running are the transactions that come in pieces; piece is the one that a piece of is coming, if one is.
	running map[uint32]*piecemeal
	piece   *piecemeal
}

func newDecoder(interest *changefeed.Interest, deliver func(uint32, uint64, *changes)) *decoder {
	return &decoder{
		interest: interest, deliver: deliver,
		relations: make(map[uint32]*relation), running: make(map[uint32]*piecemeal),
	}
}

// amid tells whether more of a transaction is to come before anything else.
func (d *decoder) amid() bool { return d.whole != nil || d.piece != nil }

// take takes one message. One that is not understood ends the stream, since what it said is lost.
func (d *decoder) take(data []byte) (err error) {
	defer func() {
		if broken := recover(); broken != nil { // the parser trusts the lengths that it reads
			err = fmt.Errorf("pgcache: a message of the replication is broken: %v", broken)
		}
	}()
	if skimmed, err := d.skim(data); skimmed || err != nil {
		return err
	}
	if !fits(data, d.piece != nil) {
		return errShort
	}
	message, err := pglogrepl.ParseV2(data, d.piece != nil)
	if err != nil {
		return fmt.Errorf("pgcache: a message of the replication is not understood: %w", err)
	}
	switch m := message.(type) {
	case *pglogrepl.BeginMessage:
		d.whole, d.xid = newChanges(), m.Xid
	case *pglogrepl.CommitMessage:
		return d.commitWhole(m)
	case *pglogrepl.StreamStartMessageV2:
		d.piece = d.runningOf(m.Xid)
	case *pglogrepl.StreamStopMessageV2:
		d.piece = nil
	case *pglogrepl.StreamCommitMessageV2:
		d.commitPieces(m)
	case *pglogrepl.StreamAbortMessageV2:
		d.abort(m)
	default:
		return d.takeChange(message)
	}
	return nil
}

// skim takes the messages that needn't be read in full: changes of tables of which no column matters.
func (d *decoder) skim(data []byte) (bool, error) {
	rest := data[1:]
	var xid uint32
	switch pglogrepl.MessageType(data[0]) {
	case pglogrepl.MessageTypeOrigin, pglogrepl.MessageTypeType:
		return true, nil
	case pglogrepl.MessageTypeInsert, pglogrepl.MessageTypeUpdate, pglogrepl.MessageTypeDelete:
	default:
		return false, nil
	}
	if d.piece != nil {
		xid, rest = binary.BigEndian.Uint32(rest), rest[4:]
	}
	table := binary.BigEndian.Uint32(rest)
	if len(d.interest.Columns(table)) > 0 {
		return false, nil
	}
	c, err := d.changesOf(xid)
	if err == nil {
		c.touch(table, nil)
	}
	return true, err
}

// takeChange takes a message that is about what a transaction does.
func (d *decoder) takeChange(message pglogrepl.Message) error {
	switch m := message.(type) {
	case *pglogrepl.RelationMessageV2:
		return d.describe(m.Xid, newRelation(&m.RelationMessage))
	case *pglogrepl.InsertMessageV2:
		return d.change(m.Xid, m.RelationID, event{after: m.Tuple})
	case *pglogrepl.UpdateMessageV2:
		return d.change(m.Xid, m.RelationID, event{updates: true, kind: m.OldTupleType, before: m.OldTuple, after: m.NewTuple})
	case *pglogrepl.DeleteMessageV2:
		return d.change(m.Xid, m.RelationID, event{kind: m.OldTupleType, before: m.OldTuple, deletes: true})
	case *pglogrepl.TruncateMessageV2:
		return d.truncate(m)
	case *pglogrepl.LogicalDecodingMessageV2:
		return d.message(m)
	default:
		return fmt.Errorf("pgcache: message %q of the replication is not expected", message.Type())
	}
}

// changesOf is where the changes of a transaction are gathered, or of a part of it that can be rolled back alone.
func (d *decoder) changesOf(xid uint32) (*changes, error) {
	switch {
	case d.piece != nil:
		return d.piece.part(xid), nil
	case d.whole != nil:
		return d.whole, nil
	default:
		return nil, errOrder
	}
}

// describe notes what a table looks like. If it looked otherwise before, the schema was changed. What a running transaction
// did to a table is its own until it commits, and it is told all that it needs: the server keeps the two apart likewise.
func (d *decoder) describe(xid uint32, r *relation) error {
	c, err := d.changesOf(xid)
	if err != nil {
		return err
	}
	if before, err := d.relation(r.oid); err == nil && !r.same(before) {
		c.schema = true
	}
	if d.piece != nil {
		d.piece.relations[r.oid] = r
		return nil
	}
	d.relations[r.oid] = r
	for _, p := range d.running {
		delete(p.relations, r.oid) // it will be told anew, should this be news to it
	}
	return nil
}

func (d *decoder) relation(table uint32) (*relation, error) {
	if d.piece != nil {
		if r := d.piece.relations[table]; r != nil {
			return r, nil
		}
	}
	if r := d.relations[table]; r != nil {
		return r, nil
	}
	return nil, errOrder
}

func (d *decoder) change(xid, table uint32, e event) error {
	c, err := d.changesOf(xid)
	if err != nil {
		return err
	}
	r, err := d.relation(table)
	if err != nil {
		return err
	}
	c.change(r, d.interest.Columns(table), e)
	return nil
}

func (d *decoder) truncate(m *pglogrepl.TruncateMessageV2) error {
	c, err := d.changesOf(m.Xid)
	if err != nil {
		return err
	}
	for _, table := range m.RelationIDs {
		c.truncate(table, d.interest.Columns(table))
	}
	return nil
}

// message takes a message that somebody had the server write. Those outside a transaction mean nothing here.
func (d *decoder) message(m *pglogrepl.LogicalDecodingMessageV2) error {
	if !m.Transactional || m.Prefix != ddlPrefix {
		return nil
	}
	c, err := d.changesOf(m.Xid)
	if err == nil {
		c.schema = true
	}
	return err
}

func (d *decoder) commitWhole(m *pglogrepl.CommitMessage) error {
	c := d.whole
	if c == nil {
		return errOrder
	}
	d.whole = nil
	d.deliver(d.xid, uint64(m.TransactionEndLSN), c)
	return nil
}

func (d *decoder) runningOf(xid uint32) *piecemeal {
	p := d.running[xid]
	if p == nil {
		p = newPiecemeal(xid)
		d.running[xid] = p
	}
	return p
}

func (d *decoder) commitPieces(m *pglogrepl.StreamCommitMessageV2) {
	p := d.runningOf(m.Xid)
	delete(d.running, m.Xid)
	maps.Copy(d.relations, p.relations)
	d.deliver(m.Xid, uint64(m.TransactionEndLSN), p.together())
}

// abort forgets a running transaction, or a part of it.
func (d *decoder) abort(m *pglogrepl.StreamAbortMessageV2) {
	if m.Xid == m.SubXid {
		delete(d.running, m.Xid)
		return
	}
	if p := d.running[m.Xid]; p != nil {
		delete(p.parts, m.SubXid)
	}
}
