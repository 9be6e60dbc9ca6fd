package relay

import (
	"errors"
	"reflect"
	"testing"

	"github.com/gopgcache/pgcache/internal/freshness"
)

func someBatch() batch {
	return batch{
		header: header{server: 7, generation: "71/1/2/3", term: Term{1 << 40, 2}, sequence: 300, position: 1 << 50, after: 1 << 33},
		messages: []message{
			{kind: kindCommit, position: 1<<50 + 5, xid: 1<<33 - 70, tables: []uint32{16384, 1<<32 - 1}, tags: []freshness.Tag{1, 1 << 63}},
			{kind: kindHeed, table: 16384, column: "with ümläut"},
			{kind: kindCommit, position: 1<<50 + 9, xid: 1<<33 + 1, everything: true, schema: true},
			{kind: kindPass, position: 1<<50 + 4},
			{kind: kindLose},
		},
	}
}

func TestBatchComesBack(t *testing.T) {
	want := someBatch()
	data, taken := encode(want.header, want.messages, 1<<20)
	got, err := decode(data)
	if err != nil || taken != len(want.messages) || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	for n := range data {
		if cut, err := decode(data[:n]); err == nil && reflect.DeepEqual(cut, want) {
			t.Errorf("the first %d bytes are the whole", n)
		}
	}
	data[1]++
	if _, err := decode(data); !errors.Is(err, errVersion) {
		t.Errorf("another version: %v", err)
	}
}

func TestRequestComesBack(t *testing.T) {
	want := request{server: 9, position: 1 << 40, columns: []column{{16384, "id"}, {1<<32 - 1, ""}}}
	got, err := decodeRequest(want.encode())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// What strangers write is refused or understood, and takes no more memory than it has bytes.
func FuzzDecode(f *testing.F) {
	b := someBatch()
	data, _ := encode(b.header, b.messages, 1<<20)
	f.Add(data)
	f.Add([]byte{magicBatch, version, 0})
	f.Add([]byte{magicBatch, version, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 2, 2, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := decode(data)
		if err != nil {
			return
		}
		again, taken := encode(b.header, b.messages, 1<<30)
		if taken != len(b.messages) {
			t.Fatalf("%d of %d messages", taken, len(b.messages))
		}
		if back, err := decode(again); err != nil || !reflect.DeepEqual(back, b) {
			t.Errorf("%+v\ncomes back as %+v, %v", b, back, err)
		}
		for _, m := range b.messages {
			if m.position > maxPosition {
				t.Errorf("position %d", m.position)
			}
		}
	})
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add((&request{server: 9, position: 1, columns: []column{{1, "id"}}}).encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		q, err := decodeRequest(data)
		if err != nil {
			return
		}
		if back, err := decodeRequest(q.encode()); err != nil || !reflect.DeepEqual(back, q) {
			t.Errorf("%+v comes back as %+v, %v", q, back, err)
		}
	})
}
