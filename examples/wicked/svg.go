package main

import (
	"bytes"
	"fmt"
	"html"
)

// The chart's measures, in pixels. Text is 13 high, so a letter is taken to be 7 wide.
const (
	chartWidth = 800
	plotLeft   = 190 // labels are left of it
	plotWidth  = 430 // what is written at a bar's end is right of it, if the bar is long
	plotTop    = 100
	hereHeight = 16
	talkHeight = 8
	barPitch   = 42
	footer     = 34
)

// style has the colours for a light page, and for a dark one.
const style = `
  text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328 }
  .title { font-size: 17px; font-weight: 600 }
  .faint { fill: #59636e } .small { font-size: 11px }
  .ground { fill: #ffffff } .grid { stroke: #d1d9e0 }
  .here { fill: #0969da } .talk { fill: #a0abb6 } .bound { stroke: #bc4c00; stroke-width: 2.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .faint { fill: #9198a1 }
    .ground { fill: #0d1117 } .grid { stroke: #3d444d }
    .here { fill: #4493f8 } .talk { fill: #656c76 } .bound { stroke: #f0883e }
  }
`

// drawing is an SVG under construction.
type drawing struct {
	bytes.Buffer
	scale float64 // pixels for a share of 1
}

// svg draws the chart.
func (c chart) svg() []byte {
	height := plotTop + len(c.bars)*barPitch + footer
	longest := 1.0
	for _, b := range c.bars {
		longest = max(longest, b.here.share, b.talk.share, b.bound)
	}
	d := &drawing{scale: plotWidth / longest}
	d.linef(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">`,
		chartWidth, height, chartWidth, height)
	d.linef(`<title>%s</title>`, html.EscapeString(c.title))
	d.linef(`<style>%s</style>`, style)
	d.linef(`<rect class="ground" width="%d" height="%d"/>`, chartWidth, height)
	d.text(24, 32, "title", c.title)
	d.text(24, 54, "faint", c.about)
	d.legend(24, 78)
	d.grid(plotTop+len(c.bars)*barPitch, longest)
	for i, b := range c.bars {
		d.bar(plotTop+i*barPitch, b)
	}
	d.linef(`</svg>`)
	return d.Bytes()
}

// legend says what the colours are.
func (d *drawing) legend(x, y int) {
	d.rect("here", x, y-10, 12, 10)
	d.text(x+18, y, "", "here")
	d.rect("talk", x+70, y-10, 12, 10)
	d.text(x+88, y, "", "the talk")
	d.linef(`<path class="bound" d="M%d %dv14"/>`, x+166, y-12)
	d.text(x+176, y, "", "the shortest possible here: max(longest query, all queries / workers or cores)")
}

// grid draws a line at each quarter, down to bottom.
func (d *drawing) grid(bottom int, longest float64) {
	for quarter := 0; float64(quarter)/4 <= longest; quarter++ {
		x := plotLeft + int(float64(quarter)/4*d.scale)
		d.linef(`<path class="grid" d="M%d %dV%d"/>`, x, plotTop-8, bottom)
		d.linef(`<text class="faint small" x="%d" y="%d" text-anchor="middle">%d %%</text>`, x, bottom+16, quarter*25)
	}
}

// bar draws the bars of one way: here's, and below it the talk's.
func (d *drawing) bar(y int, b bar) {
	d.linef(`<text x="%d" y="%d" text-anchor="end">%s</text>`, plotLeft-10, y+13, html.EscapeString(b.label))
	width := d.width(b.here)
	d.rect("here", plotLeft, y, width, hereHeight)
	end := plotLeft + width
	if b.bound > 0 {
		mark := plotLeft + int(b.bound*d.scale)
		d.linef(`<path class="bound" d="M%d %dv%d"/>`, mark, y-4, hereHeight+5)
		if mark < end+90 {
			end = max(end, mark) // don't write across the mark
		}
	}
	d.text(end+8, y+13, "", b.here.text)
	if b.talk.share > 0 {
		width := d.width(b.talk)
		d.rect("talk", plotLeft, y+hereHeight+2, width, talkHeight)
		d.text(plotLeft+width+8, y+hereHeight+12, "faint small", b.talk.text)
	}
}

// width keeps the shortest bar visible.
func (d *drawing) width(l length) int { return max(1, int(l.share*d.scale)) }

func (d *drawing) rect(class string, x, y, width, height int) {
	d.linef(`<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="2"/>`, class, x, y, width, height)
}

func (d *drawing) text(x, y int, class, text string) {
	d.linef(`<text class="%s" x="%d" y="%d">%s</text>`, class, x, y, html.EscapeString(text))
}

func (d *drawing) linef(format string, args ...any) {
	fmt.Fprintf(d, format+"\n", args...)
}
