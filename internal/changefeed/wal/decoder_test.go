package wal

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gopgcache/pgcache/internal/changefeed"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// message is a message of pgoutput, made of bytes, numbers, and texts that end in a zero.
func message(parts ...any) []byte {
	var m []byte
	for _, part := range parts {
		switch v := part.(type) {
		case rune:
			m = append(m, byte(v))
		case int:
			m = binary.BigEndian.AppendUint32(m, uint32(v))
		case uint64:
			m = binary.BigEndian.AppendUint64(m, v)
		case string:
			m = append(append(m, v...), 0)
		case []byte:
			m = append(m, v...)
		}
	}
	return m
}

// texts is a tuple of one-letter texts; n, u stand for NULL and a long value that was not changed.
func texts(values string) []byte {
	m := binary.BigEndian.AppendUint16(nil, uint16(len(values)))
	for _, v := range values {
		if v == 'n' || v == 'u' {
			m = append(m, byte(v))
		} else {
			m = append(m, 't', 0, 0, 0, 1, byte(v))
		}
	}
	return m
}

// describe is table 7 with the columns a, the key, and b.
func describe(identity rune, xid ...any) []byte {
	return message(append(append([]any{'R'}, xid...), 7, "public", "t", identity, []byte{0, 2},
		'\x01', "a", 25, -1, '\x00', "b", 25, -1)...)
}

const end = uint64(0x1000)

var (
	opens     = message('B', end-8, uint64(0), 5)
	committed = message('C', '\x00', end-8, end, uint64(0))
)

// decode gives the commits that messages make, as a story.
func decode(t *testing.T, interest *changefeed.Interest, messages ...[]byte) (string, error) {
	t.Helper()
	known := names{}
	known.add("t", 7, []string{"a", "b"}, strings.Split("1 2 3 4", " "))
	var story []string
	d := newDecoder(interest, func(xid uint32, at uint64, c *changes) {
		text := fmt.Sprintf("%d: %s", xid, known.of(finished(c, interest)))
		if c.schema {
			text += " schema"
		}
		story = append(story, text)
		if at != end {
			t.Errorf("a commit is at %X", at)
		}
	})
	for _, m := range messages {
		if err := d.take(m); err != nil {
			return strings.Join(story, "; "), err
		}
	}
	return strings.Join(story, "; "), nil
}

func both() *changefeed.Interest {
	interest := new(changefeed.Interest)
	interest.Add(7, "a")
	interest.Add(7, "b")
	return interest
}

// What an event says of the values is not always what it seems to say.
func TestDecodeInDoubt(t *testing.T) {
	for _, test := range []struct {
		name     string
		messages [][]byte
		want     string
	}{
		{"insert", [][]byte{describe('d'), message('I', 7, 'N', texts("12"))}, "5: t t.a=1 t.b=2"},
		{"delete by key: the other columns are not NULL", [][]byte{describe('d'), message('D', 7, 'K', texts("1n"))}, "5: t t.a=1 t.b=*"},
		{"a key that is NULL is none", [][]byte{describe('d'), message('D', 7, 'K', texts("nn"))}, "5: t t.a=* t.b=*"},
		{"delete in full: NULL is NULL", [][]byte{describe('f'), message('D', 7, 'O', texts("1n"))}, "5: t t.a=1"},
		{"a long value is unknown", [][]byte{describe('f'), message('D', 7, 'O', texts("1u"))}, "5: t t.a=1 t.b=*"},
		{"update: the key is the same", [][]byte{describe('d'), message('U', 7, 'N', texts("12"))}, "5: t t.a=1 t.b=*"},
		{"update without an identity", [][]byte{describe('n'), message('U', 7, 'N', texts("12"))}, "5: t t.a=* t.b=*"},
		{"update in full that tells nothing", [][]byte{describe('f'), message('U', 7, 'N', texts("12"))}, "5: t t.a=* t.b=*"},
		{"a long key that is the same", [][]byte{describe('d'), message('U', 7, 'K', texts("1n"), 'N', texts("u2"))}, "5: t t.a=1 t.b=*"},
		{"a long key that nobody tells", [][]byte{describe('d'), message('U', 7, 'N', texts("u2"))}, "5: t t.a=* t.b=*"},
		{"a long value that is the same", [][]byte{describe('f'), message('U', 7, 'O', texts("12"), 'N', texts("1u"))}, "5: t t.a=1 t.b=2"},
		{"a tuple that does not fit", [][]byte{describe('d'), message('I', 7, 'N', texts("123"))}, "5: t t.a=* t.b=*"},
		{"truncate", [][]byte{describe('d'), message('T', 1, '\x00', 7)}, "5: t t.a=* t.b=*"},
		{"described again", [][]byte{describe('d'), describe('d'), message('I', 7, 'N', texts("12"))}, "5: t t.a=1 t.b=2"},
		{"described otherwise", [][]byte{describe('d'), describe('f'), message('I', 7, 'N', texts("12"))}, "5: t t.a=1 t.b=2 schema"},
		{"origins and types", [][]byte{message('O', end, "other"), message('Y', 9, "public", "mood"), describe('d'), message('I', 7, 'N', texts("12"))}, "5: t t.a=1 t.b=2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := decode(t, both(), slices.Concat([][]byte{opens}, test.messages, [][]byte{committed})...)
			if got != test.want || err != nil {
				t.Errorf("got %s, %v\nwant %s", got, err, test.want)
			}
		})
	}
}

// A column that no description has (a column list leaves it out, it is generated) is unknown.
func TestDecodeColumnThatIsNotTold(t *testing.T) {
	interest := new(changefeed.Interest)
	interest.Add(7, "a")
	interest.Add(7, "c")
	var tags []freshness.Tag
	d := newDecoder(interest, func(_ uint32, _ uint64, c *changes) { tags = finished(c, interest) })
	for _, m := range [][]byte{opens, describe('d'), message('I', 7, 'N', texts("12")), committed} {
		if err := d.take(m); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Contains(tags, freshness.ColumnTag(7, "c")) {
		t.Error("the column c is not touched")
	}
}

// A column may come to matter while a transaction is under way. What came before is not known by it.
func TestDecodeColumnThatComesToMatter(t *testing.T) {
	insert := message('I', 7, 'N', texts("12"))
	for name, messages := range map[string][][]byte{
		"whole":     {opens, describe('d'), insert, nil, insert, committed},
		"at last":   {opens, describe('d'), insert, nil, committed},
		"in pieces": {pieceOpens, describe('d', 5), inside(5, insert), pieceEnds, nil, pieceOpens, inside(5, insert), inside(6, insert), pieceEnds, streamed},
		"in parts":  {pieceOpens, describe('d', 5), inside(5, insert), inside(6, insert), nil, inside(8, insert), pieceEnds, streamed},
	} {
		t.Run(name, func(t *testing.T) {
			interest := new(changefeed.Interest)
			interest.Add(7, "a")
			known := names{}
			known.add("t", 7, []string{"a", "b"}, []string{"1", "2"})
			var got string
			d := newDecoder(interest, func(_ uint32, _ uint64, c *changes) { got = known.of(finished(c, interest)) })
			for _, m := range messages {
				if m == nil {
					interest.Add(7, "b")
				} else if err := d.take(m); err != nil {
					t.Fatal(err)
				}
			}
			if !strings.Contains(got, "t t.a=1 t.b=*") {
				t.Errorf("touches %s, not all of b", got)
			}
		})
	}
}

var (
	pieceOpens = message('S', 5, '\x01')
	pieceEnds  = message('E')
	streamed   = message('c', 5, '\x00', end-8, end, uint64(0))
)

// inside is a message as it comes within a piece.
func inside(xid int, m []byte) []byte { return message(rune(m[0]), xid, m[1:]) }

func TestDecodePieces(t *testing.T) {
	one, two, three := message('I', 7, 'N', texts("11")), message('I', 7, 'N', texts("22")), message('I', 7, 'N', texts("33"))
	abort := func(sub int) []byte { return message('A', 5, sub) }
	table := func(parts ...[]byte) [][]byte { return slices.Concat([][]byte{pieceOpens, describe('d', 5)}, parts) }
	for _, test := range []struct {
		name     string
		messages [][]byte
		want     string
	}{
		{"committed", table(inside(5, one), inside(6, two), pieceEnds, streamed), "5: t t.a=1 t.a=2 t.b=1 t.b=2"},
		{"a part aborted", table(inside(5, one), inside(6, two), pieceEnds, abort(6), streamed), "5: t t.a=1 t.b=1"},
		{"a part aborted that sent nothing", table(inside(5, one), pieceEnds, abort(6), streamed), "5: t t.a=1 t.b=1"},
		{"aborted", table(inside(5, one), pieceEnds, abort(5)), ""},
		{"another between", append(table(inside(5, one), pieceEnds, opens, describe('d'), two, committed), streamed), "5: t t.a=2 t.b=2; 5: t t.a=1 t.b=1"},
		{"in two pieces", table(inside(5, one), pieceEnds, pieceOpens, inside(7, three), pieceEnds, streamed), "5: t t.a=1 t.a=3 t.b=1 t.b=3"},
		{"described otherwise by another", append(table(inside(5, one), pieceEnds, opens, describe('d'), describe('f'), committed), pieceOpens, inside(5, message('U', 7, 'N', texts("22"))), pieceEnds, streamed), "5:  schema; 5: t t.a=* t.a=1 t.b=* t.b=1"},
		{"truncated", table(inside(5, one), inside(6, message('T', 1, '\x00', 7)), pieceEnds, streamed), "5: t t.a=* t.a=1 t.b=* t.b=1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := decode(t, both(), test.messages...)
			if got != test.want || err != nil {
				t.Errorf("got %s, %v\nwant %s", got, err, test.want)
			}
		})
	}
}

// A transaction has many subtransactions, more than are kept apart: nothing of those that remain is lost.
func TestDecodeManyParts(t *testing.T) {
	messages := [][]byte{pieceOpens, describe('d', 5)}
	for sub := range 4 * maxParts {
		messages = append(messages, inside(100+sub, message('I', 7, 'N', texts(string(rune('1'+sub%4))+"n"))))
	}
	messages = append(messages, pieceEnds)
	for sub := range 4 * maxParts {
		if sub%4 != 3 {
			messages = append(messages, message('A', 5, 100+sub))
		}
	}
	got, err := decode(t, both(), append(messages, streamed)...)
	if err != nil || !strings.Contains(got, "t.a=4") {
		t.Errorf("touches %s, %v", got, err)
	}
}

func TestDecodeErrors(t *testing.T) {
	for name, messages := range map[string][][]byte{
		"commit without begin":  {committed},
		"change without begin":  {describe('d')},
		"skimmed without begin": {message('I', 8, 'N', texts("1"))},
		"no description":        {opens, message('I', 7, 'N', texts("12"))},
		"unknown":               {message('?', 1)},
		"empty":                 {{}},
		"short":                 {opens, describe('d'), message('I', 7, 'N', texts("12")[:5])},
		"short key":             {opens, {'I', 0}},
	} {
		if got, err := decode(t, both(), messages...); err == nil || got != "" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// Whatever comes, the decoder gives an error rather than panics, keeps within its bounds, and makes commits of what
// commits only.
func FuzzDecoder(f *testing.F) {
	insert := message('I', 7, 'N', texts("12"))
	for _, messages := range [][][]byte{
		{opens, describe('d'), insert, message('U', 7, 'K', texts("1n"), 'N', texts("22")), committed},
		{pieceOpens, describe('d', 5), inside(5, insert), inside(6, insert), pieceEnds, message('A', 5, 6), streamed},
		{opens, describe('d'), message('T', 1, '\x00', 7), message('M', '\x01', end, ddlPrefix, 0), committed},
	} {
		var all []byte
		for _, m := range messages {
			all = append(append(all, byte(len(m))), m...)
		}
		f.Add(all)
	}
	f.Fuzz(func(t *testing.T, all []byte) {
		interest := both()
		commits, delivered := 0, 0
		d := newDecoder(interest, func(_ uint32, _ uint64, c *changes) {
			delivered++
			if tags := finished(c, interest); len(tags) > maxRows+3*len(c.tables) {
				t.Errorf("a commit has %d tags", len(tags))
			}
		})
		for len(all) > 0 {
			n := min(int(all[0]), len(all)-1)
			m := all[1 : 1+n]
			all = all[1+n:]
			if len(m) > 0 && (m[0] == 'C' || m[0] == 'c') {
				commits++
			}
			if d.take(m) != nil {
				break
			}
		}
		if delivered > commits {
			t.Errorf("%d commits came, and %d were delivered", commits, delivered)
		}
	})
}

// finished are the tags of a whole transaction.
func finished(c *changes, interest *changefeed.Interest) []freshness.Tag {
	_, tags := c.finish(interest)
	return tags
}
