package linear_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// porcupineSays asks a general checker about one register.
func porcupineSays(t *testing.T, writes []write, reads []read) bool {
	t.Helper()
	type input struct {
		writes  bool
		version int64
	}
	model := porcupine.Model{
		Init: func() any { return int64(initial) },
		Step: func(state, in, out any) (bool, any) {
			if in := in.(input); in.writes {
				return in.version > state.(int64), in.version
			}
			return state == out, state
		},
	}
	var operations []porcupine.Operation
	client := 0
	for _, w := range writes {
		if w.Outcome == rolledBack {
			continue
		}
		operations = append(operations, porcupine.Operation{ClientId: client, Input: input{true, w.Version}, Call: w.Begin, Output: w.Version, Return: w.End})
		client++
	}
	for _, r := range reads {
		operations = append(operations, porcupine.Operation{ClientId: client, Input: input{}, Call: r.Begin, Output: r.Version, Return: r.End})
		client++
	}
	result := porcupine.CheckOperationsTimeout(model, operations, time.Minute)
	if result == porcupine.Unknown {
		t.Fatal("porcupine came to no result in a minute")
	}
	return result == porcupine.Ok
}

// crossCheck asks the general checker about the first operations of each register, and wants it to agree with ours.
func crossCheck(t *testing.T, h history, reads []read, perRegister int) {
	t.Helper()
	byRegister := make(map[int32][]read)
	for _, r := range reads {
		byRegister[r.Register] = append(byRegister[r.Register], r)
	}
	asked := 0
	for register, list := range byRegister {
		until := int64(math.MaxInt64)
		if len(list) > perRegister {
			until = list[perRegister].End
		}
		var some []read
		for _, r := range list {
			if r.End < until {
				some = append(some, r)
			}
		}
		var early []write
		for _, w := range h[register] {
			if w.Begin < until {
				early = append(early, w)
			}
		}
		ours := len(history{register: early}.check(some)) == 0
		if theirs := porcupineSays(t, early, some); theirs != ours {
			t.Errorf("register %d: porcupine says %t, we say %t", register, theirs, ours)
		}
		asked += len(some)
	}
	t.Logf("porcupine agrees on %d reads", asked)
}

// Short histories, made at random, right and wrong ones: both checkers must think the same of each.
func TestTheCheckersAgree(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	right, wrong := 0, 0
	for range 20_000 {
		writes, reads := randomHistory(dice)
		ours := len(history{0: historyOf(writes)[0]}.check(reads)) == 0
		if theirs := porcupineSays(t, historyOf(writes)[0], reads); ours != theirs {
			t.Fatalf("porcupine says %t, we say %t of\n%+v\n%+v", theirs, ours, writes, reads)
		}
		if ours {
			right++
		} else {
			wrong++
		}
	}
	t.Logf("%d linearizable, %d not", right, wrong)
	if right < 1000 || wrong < 1000 {
		t.Error("too few of one kind")
	}
}

// randomHistory makes a few writes and reads on a short clock, each with a time of its own.
func randomHistory(dice *rand.Rand) (writes []write, reads []read) {
	const instants = 60
	used := dice.Perm(instants)
	instant := func() int64 { at := used[0]; used = used[1:]; return int64(at) }
	interval := func() (int64, int64) { a, b := instant(), instant(); return min(a, b), max(a, b) }
	begin := int64(-1000)
	for version := range int64(1 + dice.IntN(5)) {
		w := write{Version: version + 1, Outcome: committed}
		w.Begin, w.End = interval()
		if w.Begin < begin {
			continue // a writer takes its versions in order
		}
		begin = w.Begin
		switch dice.IntN(6) {
		case 0:
			w.Outcome = rolledBack
		case 1:
			w.Outcome = unknown
		}
		if n := len(writes); n > 0 && writes[n-1].Outcome != unknown && writes[n-1].End > w.Begin {
			continue // and one at a time
		}
		writes = append(writes, w)
	}
	for range 1 + dice.IntN(6) {
		var r read
		r.Begin, r.End = interval()
		r.Version = int64(dice.IntN(len(writes) + 1))
		if dice.IntN(3) > 0 { // more often than not a likely one
			r.Version = initial
			for _, w := range writes {
				if w.Outcome != rolledBack && w.Begin < r.End && (w.End < r.End || dice.IntN(2) == 0) {
					r.Version = w.Version
				}
			}
		}
		reads = append(reads, r)
	}
	return writes, reads
}
