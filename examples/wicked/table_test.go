package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
	"time"
)

const second = time.Second

func TestMakespan(t *testing.T) {
	for _, c := range []struct {
		each    []time.Duration
		workers int
		want    time.Duration
	}{
		{[]time.Duration{second, 2 * second, 3 * second}, 1, 6 * second},
		{[]time.Duration{second, 2 * second, 3 * second}, 2, 3 * second},
		{[]time.Duration{second, 2 * second, 3 * second}, 6, 3 * second},
		{[]time.Duration{second, second, second}, 2, 1500 * time.Millisecond},
	} {
		if got := makespan(c.each, c.workers); got != c.want {
			t.Errorf("%v by %d: %v, want %v", c.each, c.workers, got, c.want)
		}
	}
}

// of makes a way that took so long, with six queries of equal length.
func of(took time.Duration) way {
	l := lap{took: took}
	for range queries {
		l.each = append(l.each, took/time.Duration(len(queries)))
	}
	return way{workers: mostWorkers, laps: []lap{l}}
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		six   time.Duration
		cores int
		want  string
	}{
		{second, 6, "Six workers: 6.00×, where the talk had 2.07×."},
		{28 * second / 10, 2, "Six workers: 2.14×, where the talk had 2.07×."},
		{32 * second / 10, 2, "Six workers: 1.88× of the 2.00× that 2 cores allow; the talk's 2.07× takes more cores."},
		{3 * second, 3, "Six workers: 2.00× of the 3.00× that is possible here; the talk had 2.07×."},
		{3 * second, 0, "Six workers: 2.00× of the 6.00× that is possible here; the talk had 2.07×."},
	} {
		table := table{cores: c.cores}
		table.loop, table.six = table.add(of(6*second)), table.add(of(c.six))
		if got := table.verdict(); got != c.want {
			t.Errorf("%v on %d cores: %s\nwant %s", c.six, c.cores, got, c.want)
		}
	}
}

func TestDisturbed(t *testing.T) {
	for six, want := range map[time.Duration]bool{2 * second: true, 2900 * time.Millisecond: false, 4 * second: false} {
		table := table{cores: 2}
		table.loop, table.six = table.add(of(6*second)), table.add(of(six))
		table.loop.workers = 0
		if got := table.disturbed(); got != want {
			t.Errorf("%v where 3 s is possible: %v", six, got)
		}
	}
}

func TestMedians(t *testing.T) {
	var w way
	for i, took := range []time.Duration{5 * second, second, 3 * second} {
		w.laps = append(w.laps, lap{took: took, each: []time.Duration{time.Duration(i) * second}})
	}
	if w.median().took != 3*second || w.longest().took != 5*second || w.first() != second {
		t.Errorf("median %v, longest %v, first %v", w.median().took, w.longest().took, w.first())
	}
}

// Bars are as long as what they stand for, the marks are where the bounds are, and no text breaks the drawing.
func TestSVG(t *testing.T) {
	c := chart{title: "<&>", about: `"quoted"`, bars: []bar{
		{label: "loop & all", here: length{1, "6 s"}, talk: length{1, "57 s"}},
		{label: "six", here: length{0.5, "3 s"}, talk: length{0.25, "27 s"}, bound: 0.125},
		{label: "cached", here: length{0, "1 µs"}},
	}}
	type rect struct {
		Class string `xml:"class,attr"`
		X     int    `xml:"x,attr"`
		Width int    `xml:"width,attr"`
	}
	var svg struct {
		Title string `xml:"title"`
		Rects []rect `xml:"rect"`
		Paths []struct {
			Class string `xml:"class,attr"`
			D     string `xml:"d,attr"`
		} `xml:"path"`
		Texts []string `xml:"text"`
	}
	if err := xml.Unmarshal(c.svg(), &svg); err != nil {
		t.Fatal(err)
	}
	widths := map[string][]int{}
	for _, r := range svg.Rects {
		if r.X == plotLeft {
			widths[r.Class] = append(widths[r.Class], r.Width)
		}
	}
	want := map[string][]int{"here": {plotWidth, plotWidth / 2, 1}, "talk": {plotWidth, plotWidth / 4}}
	if fmt.Sprint(widths) != fmt.Sprint(want) {
		t.Errorf("bars of %v, want %v", widths, want)
	}
	marked := false
	for _, p := range svg.Paths {
		marked = marked || p.Class == "bound" && strings.HasPrefix(p.D, fmt.Sprintf("M%d ", plotLeft+plotWidth/8))
	}
	if !marked {
		t.Errorf("no mark at the bound: %v", svg.Paths)
	}
	texts := strings.Join(svg.Texts, "|")
	for _, want := range []string{"<&>|", `"quoted"|`, "loop & all|6 s|57 s", "six|3 s|27 s", "cached|1 µs", "100 %"} {
		if !strings.Contains(texts, want) {
			t.Errorf("%q is not in %q", want, texts)
		}
	}
	if svg.Title != "<&>" {
		t.Errorf("title %q", svg.Title)
	}
}

// What took longer than the plain loop has a bar within the drawing all the same.
func TestSVGOfASlowdown(t *testing.T) {
	c := chart{bars: []bar{{label: "loop", here: length{1, ""}}, {label: "slower", here: length{2, ""}}}}
	for _, want := range []string{
		fmt.Sprintf(`x="%d" y="%d" width="%d"`, plotLeft, plotTop, plotWidth/2),
		fmt.Sprintf(`x="%d" y="%d" width="%d"`, plotLeft, plotTop+barPitch, plotWidth),
		">200 %<",
	} {
		if !bytes.Contains(c.svg(), []byte(want)) {
			t.Errorf("no %s in\n%s", want, c.svg())
		}
	}
}
