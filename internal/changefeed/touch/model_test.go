package touch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gopgcache/pgcache/internal/freshness"
)

// The model: writers commit to one table, polls look for that one after the other, and fills read the table. A commit
// becomes visible at one moment. A poll begins, takes its snapshot, and is told to the sink; a fill begins, takes its
// snapshot, runs its query, asks for its position, the last two in either order, and asks to be admitted. The test goes
// through all orders in which these events can come, and after each looks at every entry that was admitted: one that
// counts as fresh must hold every commit that was told.

// actor is somebody who takes steps, each after those that it needs.
type actor struct {
	name  string
	steps []step
}

type step struct {
	name  string
	after []int // of the same actor
	do    func(*world)
}

// world is PostgreSQL, the feed and the store in the model.
type world struct {
	tracker *freshness.Tracker
	// next is the number of the next poll to begin.
	next    uint64
	visible []bool // by writer
	told    []bool
	last    []bool // what the last poll saw
	fills   []modelFill
}

type modelFill struct {
	fill     *freshness.Fill
	sees     []bool // the snapshot
	holds    []bool // the query
	position uint64
	kept     bool
}

const modelTable = 7

var modelTags = []freshness.Tag{freshness.TableTag(modelTable)}

// xid of a writer: all began before anything else.
func xid(writer int) uint64 { return uint64(10 + writer) }

// snapshot is what pg_current_snapshot would give.
func snapshot(visible []bool) freshness.Snapshot {
	s := freshness.Snapshot{Min: xid(len(visible)), Max: xid(len(visible)) + 1}
	for i, seen := range visible {
		if !seen {
			s.Running = append(s.Running, xid(i))
			s.Min = min(s.Min, xid(i))
		}
	}
	return s
}

func writer(i int) actor {
	return actor{fmt.Sprint("W", i+1), []step{{name: "is visible", do: func(w *world) { w.visible[i] = true }}}}
}

// polls are one actor: they come one after the other.
func polls(count int) actor {
	a := actor{name: "P"}
	for i := range count {
		var number uint64
		var sees []bool
		before := 3*i - 1
		after := []int{before}
		if i == 0 {
			after = nil
		}
		a.steps = append(a.steps,
			step{fmt.Sprintf("%d begins", i+1), after, func(w *world) { number, w.next = w.next, w.next+1 }},
			step{fmt.Sprintf("%d takes its snapshot", i+1), []int{3 * i}, func(w *world) { sees = slices.Clone(w.visible) }},
			step{fmt.Sprintf("%d is told", i+1), []int{3*i + 1}, func(w *world) {
				for j := range sees {
					if sees[j] && !w.last[j] {
						w.told[j] = true
						w.tracker.Commit(freshness.Commit{Position: number, XID: xid(j), Tags: modelTags})
					}
				}
				w.tracker.Pass(number)
				w.tracker.Observe(snapshot(sees))
				w.last = sees
			}})
	}
	return a
}

// admission is a rule; nil stands for freshness' own.
type admission func(*world, *modelFill)

// slowFill takes each of a fill's steps apart, quickFill those to and with the server together.
func slowFill(i int, rule admission) actor {
	return actor{fmt.Sprint("F", i+1), []step{
		{"begins", nil, func(w *world) { w.fills[i].fill = w.tracker.Begin() }},
		{"takes its snapshot", []int{0}, func(w *world) { w.fills[i].sees = slices.Clone(w.visible) }},
		{"queries", []int{1}, func(w *world) { w.fills[i].holds = slices.Clone(w.visible) }},
		{"asks for its position", []int{1}, func(w *world) { w.fills[i].locate(w) }},
		{"asks to be admitted", []int{2, 3}, func(w *world) { w.fills[i].ask(w, rule) }},
	}}
}

func quickFill(i int, rule admission) actor {
	return actor{fmt.Sprint("F", i+1), []step{
		{"begins", nil, func(w *world) { w.fills[i].fill = w.tracker.Begin() }},
		{"reads", []int{0}, func(w *world) {
			w.fills[i].sees, w.fills[i].holds = slices.Clone(w.visible), slices.Clone(w.visible)
			w.fills[i].locate(w)
		}},
		{"asks to be admitted", []int{1}, func(w *world) { w.fills[i].ask(w, rule) }},
	}}
}

func (f *modelFill) locate(w *world) {
	f.position = w.next
	f.fill.Read(snapshot(f.sees), f.position)
}

func (f *modelFill) ask(w *world, rule admission) {
	if rule != nil {
		rule(w, f)
		f.fill.End()
		return
	}
	f.fill.Admit(freshness.Reads{Tables: modelTags, Tags: modelTags}, func(admitted bool) { f.kept = admitted })
}

// model is a tracker that is used for one order of events after the other: a new stream forgets what was before.
type model struct {
	actors  func() []actor
	writers int
	fills   int
	tracker *freshness.Tracker
	number  uint64
	// orders counts the orders, and needless those at whose end an entry that lacks nothing is stale.
	orders, needless int
}

// replay makes the world anew from its history, a list of pairs: who, and which step.
func (m *model) replay(history [][2]int) *world {
	m.number += 10
	w := &world{
		tracker: m.tracker, next: m.number + 1,
		visible: make([]bool, m.writers), told: make([]bool, m.writers), last: make([]bool, m.writers), fills: make([]modelFill, m.fills),
	}
	m.tracker.Lose()
	m.tracker.Start(m.number, 9)
	actors := m.actors()
	for _, e := range history {
		actors[e[0]].steps[e[1]].do(w)
	}
	return w
}

// lies finds an entry that counts as fresh and lacks a commit that was told.
func (w *world) lies() bool {
	for i := range w.fills {
		f := &w.fills[i]
		if f.kept && w.tracker.Fresh(modelTags, f.position) && f.lacks(w) {
			return true
		}
	}
	return false
}

func (f *modelFill) lacks(w *world) bool {
	for j, told := range w.told {
		if told && !f.holds[j] {
			return true
		}
	}
	return false
}

// explore goes through all orders of events, and gives the first that ends in a lie.
func (m *model) explore() (lie [][2]int) {
	m.tracker = freshness.NewTracker()
	actors := m.actors()
	var visit func(history [][2]int)
	visit = func(history [][2]int) {
		w := m.replay(history)
		if w.lies() {
			lie = slices.Clone(history)
			return
		}
		ended := true
		for who := range actors {
			for which, s := range actors[who].steps {
				e := [2]int{who, which}
				if slices.Contains(history, e) || slices.ContainsFunc(s.after, func(i int) bool { return !slices.Contains(history, [2]int{who, i}) }) {
					continue
				}
				ended = false
				visit(append(slices.Clip(history), e))
				if lie != nil {
					return
				}
			}
		}
		if ended {
			m.orders++
			for i := range w.fills {
				if f := &w.fills[i]; f.kept && !f.lacks(w) && !w.tracker.Fresh(modelTags, f.position) {
					m.needless++
				}
			}
		}
	}
	visit(nil)
	return lie
}

func story(actors []actor, history [][2]int) string {
	var lines []string
	for _, e := range history {
		lines = append(lines, actors[e[0]].name+" "+actors[e[0]].steps[e[1]].name)
	}
	return strings.Join(lines, "; ")
}

// In no order of events is an entry fresh that lacks a commit that was told.
func TestNoOrderOfEventsLies(t *testing.T) {
	for _, c := range []struct {
		name string
		model
		least int
	}{
		{"one fill in all its steps", model{writers: 2, fills: 1, actors: func() []actor {
			return []actor{writer(0), writer(1), polls(2), slowFill(0, nil)}
		}}, 100_000},
		{"two fills", model{writers: 1, fills: 2, actors: func() []actor {
			return []actor{writer(0), polls(2), quickFill(0, nil), quickFill(1, nil)}
		}}, 100_000},
	} {
		if lie := c.explore(); lie != nil {
			t.Fatalf("%s: %s", c.name, story(c.actors(), lie))
		}
		t.Logf("%s: %d orders of events, no lie, %d entries needlessly stale", c.name, c.orders, c.needless)
		if c.orders < c.least {
			t.Errorf("%s: only %d orders were tried", c.name, c.orders)
		}
		// An entry whose query sees what its snapshot sees is stale only when something is new.
		if c.needless > 0 && c.fills == 2 {
			t.Errorf("%s: %d entries are needlessly stale", c.name, c.needless)
		}
	}
}

// Other rules lie, and the model finds it.
func TestOtherRulesLie(t *testing.T) {
	for name, rule := range map[string]admission{
		"the position alone": func(w *world, f *modelFill) { f.kept = w.tracker.Fresh(modelTags, f.position) },
		"the snapshot, without waiting for the poll": func(w *world, f *modelFill) {
			f.kept = !slices.ContainsFunc([]int{0, 1}, func(i int) bool { return w.told[i] && !f.sees[i] })
		},
	} {
		m := model{writers: 2, fills: 1, actors: func() []actor { return []actor{writer(0), writer(1), polls(2), slowFill(0, rule)} }}
		lie := m.explore()
		if lie == nil {
			t.Errorf("%s: no lie was found", name)
			continue
		}
		t.Logf("%s: %s", name, story(m.actors(), lie))
	}
}
