package rowset

import (
	"database/sql/driver"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"testing"
	"time"
	"unsafe"
)

// What box.go takes for granted about interface values: their size, and where the two words are.
func TestBoxLayout(t *testing.T) {
	var v driver.Value
	if unsafe.Sizeof(v) != unsafe.Sizeof(emptyInterface{}) {
		t.Fatalf("an interface value has %d bytes", unsafe.Sizeof(v))
	}
	text := "box"
	for _, test := range []struct {
		typ  uintptr
		data unsafe.Pointer
		want driver.Value
	}{
		{int64Type, unsafe.Pointer(new(int64)), int64(0)},
		{float64Type, unsafe.Pointer(new(float64)), float64(0)},
		{stringType, unsafe.Pointer(&text), text},
		{timeType, unsafe.Pointer(new(time.Time)), time.Time{}},
		{bytesType, unsafe.Pointer(&[]byte{1, 2}), []byte{1, 2}},
	} {
		point(&v, test.typ, test.data)
		if reflect.TypeOf(v) != reflect.TypeOf(test.want) || !reflect.DeepEqual(v, test.want) {
			t.Errorf("boxed %T(%v), want %T(%v)", v, v, test.want, test.want)
		}
		words := (*emptyInterface)(unsafe.Pointer(&test.want))
		if words.typ != test.typ {
			t.Errorf("%T: the compiler's type word is not ours", test.want)
		}
	}
}

// Values survive garbage collections and the end of their rows, also those in the boxes that come with Rows, and later rows
// don't change them.
func TestBoxedValuesStay(t *testing.T) {
	for _, rows := range []int{1, 3, 2000} {
		t.Run(fmt.Sprint(rows), func(t *testing.T) {
			set := benchmarkSet(t, threeColumns, rows)
			kept := drain(t, set.Rows(), 3)
			for range 3 {
				drain(t, set.Rows(), 3)
				runtime.GC()
			}
			for i, row := range kept {
				want := fmt.Sprint([]any{1_000_000*i + 1000, fmt.Sprint("customer ", i), timeOf(int64(1_000_000*i + 1000))})
				if got := fmt.Sprint(row); got != want {
					t.Fatalf("row %d is %s, want %s", i, got, want)
				}
			}
		})
	}
}

// A replay of many rows allocates by the block and not by the row, and one of a single row hardly at all.
func TestReplayAllocations(t *testing.T) {
	for _, test := range []struct{ rows, most int }{{0, 1}, {1, 2}, {1000, 60}} {
		set := benchmarkSet(t, threeColumns, test.rows)
		dest := make([]driver.Value, 3)
		got := testing.AllocsPerRun(20, func() {
			rows := set.Rows()
			for rows.Next(dest) == nil {
			}
		})
		if got > float64(test.most) {
			t.Errorf("%d rows: %.0f allocations, want at most %d", test.rows, got, test.most)
		}
	}
}

// BenchmarkBoxing shows what box.go buys: the same numbers boxed by the compiler.
func BenchmarkBoxing(b *testing.B) {
	const values = 3000
	dest := make([]driver.Value, 3)
	b.Run("compiler", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for i := range values / 3 {
				dest[0], dest[1], dest[2] = int64(i+1000), math.Sqrt(float64(i)), time.Unix(int64(i), 0)
			}
		}
	})
	b.Run("boxes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r := run{demand: demand{words: 2, times: 1}}
			for i := range values / 3 {
				if i%100 == 0 {
					r.begin(make([]byte, 0))
					r.words, r.times = make([]uint64, 200), make([]time.Time, 100)
					r.word, r.time = 0, 0
				}
				r.putInt(int64(i+1000), &dest[0])
				r.putFloat(math.Sqrt(float64(i)), &dest[1])
				r.putTime(time.Unix(int64(i), 0), &dest[2])
			}
		}
	})
}
