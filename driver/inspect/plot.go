package inspect

import (
	"math"
	"strconv"
	"strings"
)

// The plots are drawn in these units, which are about one pixel each. Texts keep to the margins.
const (
	plotWidth, plotHeight   = 360, 150
	left, right, top, below = 46, 8, 8, 20
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

// draw makes a plot. The unit writes values; the scale reaches to least at least.
func draw(id, title string, samples []sample, least float64, unit func(float64) string, curves ...curve) plot {
	p := plot{ID: id, Title: title}
	highest, known := least, 0
	for _, c := range curves {
		for _, v := range c.values {
			if !math.IsNaN(v) {
				highest, known = max(highest, v), known+1
			}
		}
	}
	if p.Empty = known < 2; p.Empty {
		return p
	}
	if highest > least || least == 0 {
		highest = ceiling(highest)
	}
	first, last := samples[0].at, samples[len(samples)-1].at
	p.Since = millis(float64(last.Sub(first).Round(1e9).Milliseconds())) + " ago"
	for _, share := range []float64{0, 0.5, 1} {
		p.Marks = append(p.Marks, mark{coordinate(height(share)), unit(highest * share)})
	}
	var words []string
	for _, c := range curves {
		l := line{Name: c.name, Class: c.class, Runs: runs(samples, c.values, highest), Last: "–"}
		if v := c.values[len(c.values)-1]; !math.IsNaN(v) {
			l.Last = unit(v)
		}
		p.Lines = append(p.Lines, l)
		words = append(words, l.Name+" "+l.Last)
	}
	p.Summary = "Since " + p.Since + ", up to " + unit(highest) + ". Now: " + strings.Join(words, ", ") + "."
	return p
}

// runs gives the points of a curve, in a run of their own where values between are not known.
func runs(samples []sample, values []float64, highest float64) (list []string) {
	first := samples[0].at
	span := samples[len(samples)-1].at.Sub(first).Seconds()
	var run []string
	for i, v := range values {
		if math.IsNaN(v) {
			if len(run) > 0 {
				list, run = append(list, strings.Join(run, " ")), nil
			}
			continue
		}
		x := left + samples[i].at.Sub(first).Seconds()/span*(plotWidth-left-right)
		run = append(run, coordinate(x)+","+coordinate(height(v/highest)))
	}
	if len(run) > 0 {
		list = append(list, strings.Join(run, " "))
	}
	return list
}

// height is where a share of the scale is.
func height(share float64) float64 { return top + (1-share)*(plotHeight-top-below) }

// ceiling is the end of a scale that is easy to read: 1, 2 or 5 and zeros.
func ceiling(v float64) float64 {
	if v <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1, 2, 5} {
		if v <= n*unit {
			return n * unit
		}
	}
	return 10 * unit
}

func coordinate(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
