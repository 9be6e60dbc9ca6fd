package fleet

import (
	"cmp"
	"slices"
	"time"
)

// order is what a process is told to do, one thing at a time, as JSON on its standard input.
type order struct {
	Open  string `json:",omitempty"` // the connection string to open; it may hold a password, so it's no argument
	Ask   *Ask   `json:",omitempty"`
	Exec  string `json:",omitempty"` // a statement that writes
	Stats bool   `json:",omitempty"`
}

// Ask says what to ask, and how often. Each goroutine asks all questions in order, and that so many times.
type Ask struct {
	Questions  []Question
	Goroutines int
	Times      int
}

// Question is a query with its arguments.
type Question struct {
	SQL  string
	Args []int64
}

// report is what a process says to an order, as a line of JSON on its standard output.
type report struct {
	Error   string           `json:",omitempty"`
	Answers []map[string]int `json:",omitempty"` // of each question: how often which answer came
	Times   []time.Duration  `json:",omitempty"` // of each query
	Stats   map[string]int64 `json:",omitempty"` // the counts of SHOW pgcache.stats
}

// once makes n goroutines ask a question, at the same time.
func once(n int, questions ...Question) Ask {
	return Ask{Questions: questions, Goroutines: n, Times: 1}
}

// Herd is n goroutines in each process that ask one question at the same time.
func Herd(n int, q Question) Ask { return once(n, q) }

// Each is one goroutine in each process that asks the questions one after the other.
func Each(questions ...Question) Ask { return once(1, questions...) }

// Again is one goroutine in each process that asks a question so many times.
func Again(times int, q Question) Ask {
	return Ask{Questions: []Question{q}, Goroutines: 1, Times: times}
}

func (a *Ask) queries() int { return len(a.Questions) * a.Goroutines * a.Times }

// median and slowest are of times in no order; 0 when there are none.
func median(times []time.Duration) time.Duration {
	if len(times) == 0 {
		return 0
	}
	times = slices.Clone(times)
	slices.SortFunc(times, cmp.Compare)
	return times[len(times)/2]
}

func slowest(times []time.Duration) time.Duration {
	if len(times) == 0 {
		return 0
	}
	return slices.Max(times)
}
