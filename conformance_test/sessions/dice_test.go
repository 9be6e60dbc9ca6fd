package sessions_test

import "math/rand/v2"

// dice makes every choice of a test. Equal seeds make equal choices.
type dice struct{ *rand.Rand }

func newDice(seed uint64) dice { return dice{rand.New(rand.NewPCG(seed, 4))} }

// once holds once in so many times.
func (d dice) once(in int) bool { return d.IntN(in) == 0 }

// percent holds so many times of a hundred.
func (d dice) percent(p int) bool { return d.IntN(100) < p }

// pick takes one of a list.
func pick[T any](d dice, list ...T) T { return list[d.IntN(len(list))] }

// some takes a part of a list, in an order of its own, and at least one.
func some[T any](d dice, most int, list []T) []T {
	order := d.Perm(len(list))
	part := make([]T, 1+d.IntN(min(most, len(list))))
	for i := range part {
		part[i] = list[order[i]]
	}
	return part
}

// option is one way to go on, taken as often as its weight says.
type option[T any] struct {
	weight int
	of     func() T
}

func choose[T any](d dice, options ...option[T]) T {
	total := 0
	for _, o := range options {
		total += o.weight
	}
	at := d.IntN(total)
	for _, o := range options {
		if at -= o.weight; at < 0 {
			return o.of()
		}
	}
	panic("unreachable: the weights add up")
}
