package freshness

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The model: two writers commit to one table while two fills read it. Of each writer's commit it is up to chance in which
// order it is delivered by the feed and becomes visible, once it is written; a fill begins, takes its snapshot, runs its
// query, and asks to be admitted, in this order. The test goes through all orders in which these events can come, and after
// each looks at every entry that was admitted: one that counts as fresh must hold every commit that the feed has delivered.
// That is what "tracked" promises; "strict" adds that the feed has delivered every commit that is visible.
//
// Another cast has one fill, and somebody who asks at any moment to be given its result: that must hold every commit that the feed
// had delivered by then.

// event is one step of the model: who takes it, and which.
type event struct{ who, step int }

// The steps of the writers 0 and 1.
const (
	written = iota
	delivered
	visible
)

// The steps of the fills 2 and 3.
const (
	begun = iota
	snapshotTaken
	queried
	asked
)

const (
	writers = 2
	fills   = 2
	joiner  = writers + fills // asks for the result of the first fill, if that is under way
)

// cast says how many steps each takes.
type cast [writers + fills + 1]int

var (
	twoFills = cast{3, 3, 4, 4, 0}
	sharing  = cast{3, 3, 4, 0, 1}
)

func (e event) String() string {
	if e.who == joiner {
		return "J wants F1's result"
	}
	if e.who < writers {
		return fmt.Sprintf("W%d %s", e.who+1, [...]string{"written", "delivered", "visible"}[e.step])
	}
	return fmt.Sprintf("F%d %s", e.who-writers+1, [...]string{"begins", "takes its snapshot", "queries", "asks"}[e.step])
}

// world is PostgreSQL, the feed and the store in the model.
type world struct {
	tracker  *Tracker
	admits   func(*modelFill) bool // the rule under test; nil for the tracker's own
	shares   func(*modelFill) bool // the same for sharing
	log      uint64                // position of the latest commit that was written
	position [writers]uint64
	visible  [writers]bool
	known    [writers]bool // delivered
	fills    [fills]modelFill
	joined   joining
	history  []event
}

// joining is what the joiner is given.
type joining struct {
	asked  bool
	told   uint64        // the last commit that it was told of
	wanted [writers]bool // the commits that it had delivered
	shared bool          // the fill's result is given to it
}

type modelFill struct {
	fill     *Fill
	snapshot Snapshot
	position uint64
	passed   uint64        // how far the feed was when it began
	holds    [writers]bool // the commits that the result has in it
	kept     bool
	ended    bool
}

const table = 7

var (
	modelTags  = []Tag{TableTag(table)}
	modelReads = Reads{Tables: modelTags, Tags: modelTags}
)

// xid of a writer: both began before anything else, the second has the lower number, as can be.
func xid(writer int) uint64 { return uint64(11 - writer) }

// takes lets one event happen.
func (w *world) take(e event) {
	w.history = append(w.history, e)
	switch {
	case e.who < writers:
		w.write(e)
	case e.who == joiner:
		w.join()
	default:
		w.fillStep(e)
	}
}

// join asks for the first fill's result, as a flight in package driver does.
func (w *world) join() {
	f := &w.fills[0]
	if f.fill == nil || f.ended || !w.tracker.Unchanged(modelTags, f.passed) {
		return
	}
	if holds, known := f.fill.Holds(&modelReads); known && holds < w.tracker.Told() {
		return
	}
	w.joined = joining{asked: true, told: w.tracker.Told(), wanted: w.known}
}

// share gives the first fill's result to the joiner, unless it lacks something.
func (w *world) share() {
	j, f := &w.joined, &w.fills[0]
	if f.ended = true; !j.asked {
		return
	}
	if w.shares != nil {
		j.shared = w.shares(f)
		return
	}
	holds, _ := f.fill.Holds(&modelReads)
	j.shared = j.told <= holds
}

func (w *world) write(e event) {
	switch e.step {
	case written:
		w.log++
		w.position[e.who] = w.log
	case delivered:
		w.known[e.who] = true
		w.tracker.Commit(Commit{Position: w.position[e.who], XID: xid(e.who), Tags: modelTags})
		w.tracker.Pass(w.position[e.who])
	case visible:
		w.visible[e.who] = true
	}
}

func (w *world) fillStep(e event) {
	f := &w.fills[e.who-writers]
	switch e.step {
	case begun:
		f.passed = w.tracker.Position()
		f.fill = w.tracker.Begin()
	case snapshotTaken:
		f.snapshot, f.position = w.snapshot(), w.log
		f.fill.Read(f.snapshot, f.position)
	case queried:
		f.holds = w.visible
	case asked:
		if f == &w.fills[0] {
			w.share()
		}
		if w.admits != nil {
			f.kept = w.admits(f)
			f.fill.End()
			return
		}
		f.fill.Admit(modelReads, func(admitted bool) { f.kept = admitted })
	}
}

// snapshot is what pg_current_snapshot would give. Transactions 10 and 11 are the writers', 12 is somebody's who has ended.
func (w *world) snapshot() Snapshot {
	s := Snapshot{Min: 12, Max: 13}
	for i := writers - 1; i >= 0; i-- {
		if !w.visible[i] {
			s.Running = append(s.Running, xid(i))
			s.Min = min(s.Min, xid(i))
		}
	}
	return s
}

// lie finds an entry that counts as fresh and lacks a commit that was delivered, or a result that the joiner is given and that
// lacks one that was when it asked.
func (w *world) lie() bool {
	for i, wanted := range w.joined.wanted {
		if w.joined.shared && wanted && !w.fills[0].holds[i] {
			return true
		}
	}
	for i := range w.fills {
		f := &w.fills[i]
		if !f.kept || !w.tracker.Fresh(modelTags, f.position) {
			continue
		}
		for j := range w.known {
			if w.known[j] && !f.holds[j] {
				return true
			}
		}
	}
	return false
}

// possible tells whether an event can come next.
func (w *world) possible(e event) bool {
	if e.who >= writers || e.step == written {
		return true
	}
	if e.step == visible {
		return w.position[e.who] > 0
	}
	// The feed delivers in the order of commits.
	for i := range w.position {
		if w.position[i] > 0 && w.position[i] < w.position[e.who] && !w.known[i] {
			return false
		}
	}
	return w.position[e.who] > 0
}

// next lists the events that can come next.
func (w *world) next(steps cast) []event {
	var list []event
	for who, n := range steps {
		for step := range n {
			e := event{who, step}
			if slices.Contains(w.history, e) || !w.possible(e) {
				continue
			}
			list = append(list, e)
			if who >= writers {
				break // a fill's steps come in their order
			}
		}
	}
	return list
}

// explore goes through all orders of events, and gives the first that ends in a lie. together merges a fill's snapshot and query,
// which leaves out the orders in which the query sees more than the snapshot does.
func explore(steps cast, rule func(*world), together bool) (orders int, lie []event) {
	var visit func(history []event)
	visit = func(history []event) {
		w := replay(rule, history)
		if w.lie() {
			lie = slices.Clone(history)
		}
		next := w.next(steps)
		if len(next) == 0 {
			orders++
		}
		for _, e := range next {
			if lie != nil {
				return
			}
			then := append(slices.Clip(history), e)
			if together && e.who >= writers && e.step == snapshotTaken {
				then = append(then, event{e.who, queried})
			}
			visit(then)
		}
	}
	visit(nil)
	return orders, lie
}

// replay makes the world anew from its history.
func replay(rule func(*world), history []event) *world {
	w := &world{tracker: newTracker(2, 2)}
	w.tracker.Start(0, 9)
	if rule != nil {
		rule(w)
	}
	for _, e := range history {
		w.take(e)
	}
	return w
}

func story(history []event) string {
	var lines []string
	for _, e := range history {
		lines = append(lines, e.String())
	}
	return strings.Join(lines, "; ")
}

// In no order of events is an entry fresh that lacks a commit that was delivered.
func TestNoOrderOfEventsLies(t *testing.T) {
	for steps, least := range map[cast]int{twoFills: 100_000, sharing: 10_000} {
		orders, lie := explore(steps, nil, true)
		if lie != nil {
			t.Fatal(story(lie))
		}
		t.Logf("%d orders of events, no lie", orders)
		if orders < least {
			t.Errorf("only %d orders were tried", orders)
		}
	}
}

// Where a result is shared if the feed told of nothing since its fill set out, there is a lie: a commit that it had told of and that
// nobody could see.
func TestSharingByTheFeedAloneLies(t *testing.T) {
	byFeed := func(w *world) {
		w.shares = func(*modelFill) bool { return true }
	}
	_, lie := explore(sharing, byFeed, true)
	if lie == nil {
		t.Fatal("no lie was found")
	}
	t.Log(story(lie))
}

// With the rule that most caches have, a commit's position against the position that was read at, there is a lie: the model
// would find one.
func TestThePositionRuleLies(t *testing.T) {
	byPosition := func(w *world) {
		w.admits = func(f *modelFill) bool { return w.tracker.Fresh(modelTags, f.position) }
	}
	_, lie := explore(twoFills, byPosition, true)
	if lie == nil {
		t.Fatal("no lie was found")
	}
	t.Log(story(lie))
}

// Without the wait for the feed to pass the fill's position there is one too.
func TestNotWaitingForTheFeedLies(t *testing.T) {
	atOnce := func(w *world) {
		w.admits = func(f *modelFill) bool {
			w.tracker.mu.Lock()
			defer w.tracker.mu.Unlock()
			f.fill.reads = modelReads
			return w.tracker.admits(f.fill)
		}
	}
	_, lie := explore(twoFills, atOnce, true)
	if lie == nil {
		t.Fatal("no lie was found")
	}
	t.Log(story(lie))
}
