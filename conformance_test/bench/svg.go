package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
)

// The chart's measures, in pixels.
const (
	chartWidth = 800
	margin     = 24
	plotLeft   = 120 // labels are left of it
	plotRight  = 620 // numbers are right of it
	timeRight  = 705
	ratioRight = chartWidth - margin
	plotTop    = 92
	barHeight  = 11
	barPitch   = 17
	groupHead  = 24
	groupGap   = 12
	footer     = 30
)

// style has the colours for a light page, and for a dark one.
const style = `
  text { font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328 }
  .title { font-size: 17px; font-weight: 600 } .group { font-weight: 600 }
  .faint { fill: #59636e } .small { font-size: 11px } .end { text-anchor: end } .middle { text-anchor: middle }
  .ground { fill: #ffffff } .grid { stroke: #d1d9e0 } .pgx { stroke: #1f2328 }
  .hit { fill: #0969da } .miss { fill: #bc4c00 } .plain { fill: #a0abb6 } .sure { stroke: #1f2328; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .faint { fill: #9198a1 }
    .ground { fill: #0d1117 } .grid { stroke: #3d444d } .pgx { stroke: #f0f6fc }
    .hit { fill: #4493f8 } .miss { fill: #f0883e } .plain { fill: #656c76 } .sure { stroke: #f0f6fc }
  }
`

// The axis is logarithmic, so that a bar from 1 is as long for half of pgx's time as for twice it.
const (
	axisLow  = 0.005
	axisHigh = 5
)

// ticks are where the axis has lines.
var ticks = []float64{0.01, 0.03, 0.1, 0.3, 1, 3}

// drawing is an SVG under construction.
type drawing struct{ bytes.Buffer }

// svg draws the chart.
func (c chart) svg() []byte {
	bottom := plotTop
	for _, g := range c.groups {
		bottom += g.height()
	}
	height := bottom + footer
	d := new(drawing)
	d.linef(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">`,
		chartWidth, height, chartWidth, height)
	d.linef(`<title>The time of a query, as a share of pgx's</title>`)
	d.linef(`<style>%s</style>`, style)
	d.linef(`<rect class="ground" width="%d" height="%d"/>`, chartWidth, height)
	d.text(margin, 32, "title", "The time of a query, as a share of pgx's over TCP")
	d.text(margin, 54, "faint", c.about)
	d.legend(72)
	d.axis(bottom)
	y := plotTop
	for _, g := range c.groups {
		d.group(y, g)
		y += g.height()
	}
	d.linef(`</svg>`)
	return d.Bytes()
}

func (g group) height() int { return groupHead + len(g.bars)*barPitch + groupGap }

// legend says what the colours and the columns are.
func (d *drawing) legend(y int) {
	x := margin
	for _, entry := range []struct {
		class, text string
		width       int
	}{{"hit", "from the cache", 115}, {"miss", "from PostgreSQL, and kept", 175}, {"plain", "database/sql alone; the cache off", 0}} {
		d.rect(entry.class, x, y-9, 12, 10)
		d.text(x+18, y, "", entry.text)
		x += 18 + entry.width
	}
	d.text(timeRight, y, "faint end", "median")
	d.text(ratioRight, y, "faint end", "to pgx")
}

// axis draws a line at each tick, down to bottom.
func (d *drawing) axis(bottom int) {
	for _, tick := range ticks {
		class, label := "grid", fmt.Sprintf("%g×", tick)
		if tick == 1 {
			class, label = "pgx", "pgx"
		}
		d.linef(`<path class="%s" d="M%d %dV%d"/>`, class, across(tick), plotTop-8, bottom)
		d.text(across(tick), bottom+16, "faint small middle", label)
	}
}

func (d *drawing) group(y int, g group) {
	d.linef(`<rect class="ground" x="%d" y="%d" width="%d" height="16"/>`, margin, y+3, 8*len(g.title))
	d.text(margin, y+16, "group", g.title)
	for i, b := range g.bars {
		d.bar(y+groupHead+i*barPitch, b)
	}
}

// bar draws a bar from pgx's time to the case's, and the interval that its end is in.
func (d *drawing) bar(y int, b bar) {
	from, to := across(1), across(b.ratio.Center)
	d.text(plotLeft-10, y+10, "end", b.label)
	d.rect(b.class, min(from, to), y, max(1, max(from, to)-min(from, to)), barHeight)
	if !math.IsInf(b.ratio.Hi-b.ratio.Lo, 0) {
		d.linef(`<path class="sure" d="M%d %dH%d"/>`, across(b.ratio.Lo), y+barHeight/2, across(b.ratio.Hi))
	}
	d.text(timeRight, y+10, "end", b.took)
	d.text(ratioRight, y+10, "end", times(b.ratio.Center))
}

// times is a ratio in about two digits.
func times(ratio float64) string {
	switch {
	case ratio < 0.001:
		return "<0.001×"
	case ratio < 0.1:
		return fmt.Sprintf("%.3f×", ratio)
	default:
		return fmt.Sprintf("%.2f×", ratio)
	}
}

// across is where on the axis a ratio is. What is beyond an end is at that end.
func across(ratio float64) int {
	share := math.Log(min(max(ratio, axisLow), axisHigh)/axisLow) / math.Log(axisHigh/axisLow)
	return plotLeft + int(math.Round(share*(plotRight-plotLeft)))
}

func (d *drawing) rect(class string, x, y, width, height int) {
	d.linef(`<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="2"/>`, class, x, y, width, height)
}

func (d *drawing) text(x, y int, class, text string) {
	d.linef(`<text class="%s" x="%d" y="%d">%s</text>`, class, x, y, html.EscapeString(text))
}

func (d *drawing) linef(format string, args ...any) {
	fmt.Fprintf(d, format+"\n", args...)
}
