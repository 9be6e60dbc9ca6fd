package inspect

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// The plots are drawn in these units, which are about one pixel each. Texts keep to the margins.
const (
	plotWidth, plotHeight   = 360, 150
	left, right, top, below = 60, 8, 8, 20
)

// plot is a drawing of some lines over time.
type plot struct {
	ID, Title string
	Lines     []line
	Marks     []mark
	Since     string // how long ago it begins
	Empty     bool   // there is nothing to draw yet
	Summary   string // the drawing in words
}

// line is one line of a plot. Points lists the runs of samples between which something is known.
type line struct {
	Name, Class string
	Runs        []string
	Last        string
}

// mark is a line across, with what it stands for.
type mark struct{ Y, Text string }

// Width and Height are for the template.
func (plot) Width() int  { return plotWidth }
func (plot) Height() int { return plotHeight }
func (plot) Left() int   { return left }
func (plot) Right() int  { return plotWidth - right }
func (plot) Foot() int   { return plotHeight - 5 }

// curve is what a line shows: a value for each sample, NaN where it is not known.
type curve struct {
	name, class string
	values      []float64
}

// axis is how values are written, and where their scale ends.
type axis struct {
	write func(float64) string
	end   func(highest float64) float64
}

// draw makes a plot of curves that have a value for each sample.
func draw(id, title string, samples []sample, a axis, curves ...curve) plot {
	p := plot{ID: id, Title: title}
	highest, known := 0.0, 0
	for _, c := range curves {
		for _, v := range c.values {
			if !math.IsNaN(v) {
				highest, known = max(highest, v), known+1
			}
		}
	}
	if p.Empty = len(samples) < 2 || known == 0; p.Empty {
		return p
	}
	highest = a.end(highest)
	first, last := samples[0].at, samples[len(samples)-1].at
	p.Since = millis(float64(last.Sub(first).Round(time.Second).Milliseconds())) + " ago"
	for _, share := range []float64{0, 0.5, 1} {
		p.Marks = append(p.Marks, mark{coordinate(height(share)), a.write(highest * share)})
	}
	var words []string
	for _, c := range curves {
		l := line{Name: c.name, Class: c.class, Runs: runs(samples, c.values, highest), Last: "–"}
		if v := c.values[len(c.values)-1]; !math.IsNaN(v) {
			l.Last = a.write(v)
		}
		p.Lines = append(p.Lines, l)
		words = append(words, l.Name+" "+l.Last)
	}
	p.Summary = "Since " + p.Since + ", up to " + a.write(highest) + ". Now: " + strings.Join(words, ", ") + "."
	return p
}

// gap is how long nobody may have looked for a line to be drawn on: what was between is not known.
const gap = 15 * time.Second

// runs gives the points of a curve, in a run of their own where values between are not known.
func runs(samples []sample, values []float64, highest float64) (list []string) {
	first := samples[0].at
	span := samples[len(samples)-1].at.Sub(first).Seconds()
	var run []string
	end := func() {
		if len(run) == 1 {
			run = append(run, run[0]) // a line to itself is a dot
		}
		if len(run) > 0 {
			list, run = append(list, strings.Join(run, " ")), nil
		}
	}
	for i, v := range values {
		if math.IsNaN(v) || i > 0 && samples[i].at.Sub(samples[i-1].at) > gap {
			end()
		}
		if math.IsNaN(v) {
			continue
		}
		x := left + samples[i].at.Sub(first).Seconds()/span*(plotWidth-left-right)
		run = append(run, coordinate(x)+","+coordinate(height(v/highest)))
	}
	end()
	return list
}

// height is where a share of the scale is.
func height(share float64) float64 { return top + (1-share)*(plotHeight-top-below) }

// decimal is the end of a scale that is easy to read: 1, 2 or 5 and zeros.
func decimal(highest float64) float64 {
	if highest <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(highest)))
	for _, n := range []float64{1, 2, 5} {
		if highest <= n*unit {
			return n * unit
		}
	}
	return 10 * unit
}

// binary is the same for sizes: a power of two.
func binary(highest float64) float64 {
	return math.Pow(2, math.Ceil(math.Log2(max(highest, 1024))))
}

// whole is the end of the scale of shares.
func whole(float64) float64 { return 1 }

func coordinate(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
