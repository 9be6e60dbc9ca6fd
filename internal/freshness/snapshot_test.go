package freshness

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The two forms of a snapshot say the same.
func TestSnapshotForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		running := rapid.SliceOfN(rapid.Uint64(), 0, 5).Draw(t, "running")
		lowest, next := rapid.Uint64().Draw(t, "min"), rapid.Uint64().Draw(t, "max")
		binaryForm := binary.BigEndian.AppendUint32(nil, uint32(len(running)))
		binaryForm = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(binaryForm, lowest), next)
		var texts []string
		for _, xid := range running {
			binaryForm = binary.BigEndian.AppendUint64(binaryForm, xid)
			texts = append(texts, fmt.Sprint(xid))
		}
		parsed, err := ParseSnapshot(fmt.Sprintf("%d:%d:%s", lowest, next, strings.Join(texts, ",")))
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := DecodeSnapshot(binaryForm)
		if err != nil || !reflect.DeepEqual(parsed, decoded) {
			t.Errorf("%+v and %+v, %v", parsed, decoded, err)
		}
		if cut := binaryForm[:rapid.IntRange(0, len(binaryForm)-1).Draw(t, "cut")]; !fails(cut) || !fails(append(binaryForm, 0)) {
			t.Errorf("%d bytes of %d are taken for a snapshot", len(cut), len(binaryForm))
		}
	})
}

func fails(b []byte) bool {
	_, err := DecodeSnapshot(b)
	return err != nil
}
