package inspect

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// document is a page, read by a parser that forgives nothing: the pages are written so that they are XML too.
type document struct {
	t    *testing.T
	root *element
}

// element is an element with what is in it. A text is an element without a name.
type element struct {
	name  string
	attrs map[string]string
	text  string
	in    []*element
}

func parse(t *testing.T, page string) *document {
	t.Helper()
	root := &element{}
	open := []*element{root}
	for d := xml.NewDecoder(strings.NewReader(page)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return &document{t, root}
		} else if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, page)
		}
		inner := open[len(open)-1]
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name.Local, attrs: map[string]string{}}
			for _, a := range token.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			inner.in = append(inner.in, e)
			open = append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			inner.in = append(inner.in, &element{text: string(token)})
		}
	}
}

// every lists the elements with the name, or all.
func (e *element) every(name string) (list []*element) {
	for _, i := range e.in {
		if i.name != "" && (name == "" || i.name == name) {
			list = append(list, i)
		}
		list = append(list, i.every(name)...)
	}
	return list
}

// said is the text in an element. Of a number it is the number as it was before it was written for readers.
func (e *element) said() string {
	if e.name == "data" {
		return e.attrs["value"]
	}
	text := e.text
	for _, i := range e.in {
		if i.name != "button" {
			text += i.said()
		}
	}
	return text
}

// table gives the rows of the table whose caption begins with the words, without the head.
func (d *document) table(caption string) (rows [][]string) {
	d.t.Helper()
	for _, table := range d.root.every("table") {
		if !strings.HasPrefix(table.every("caption")[0].said(), caption) {
			continue
		}
		for _, body := range table.every("tbody") {
			for _, tr := range body.every("tr") {
				var row []string
				for _, cell := range tr.in {
					if cell.name != "" {
						row = append(row, strings.TrimSpace(cell.said()))
					}
				}
				rows = append(rows, row)
			}
		}
		return rows
	}
	d.t.Fatalf("there is no table %q", caption)
	return nil
}

// link gives the address that a link with the text leads to.
func (d *document) link(text string) string {
	d.t.Helper()
	links := d.root.every("a")
	i := slices.IndexFunc(links, func(a *element) bool { return strings.TrimSpace(a.said()) == text })
	if i < 0 {
		d.t.Fatalf("there is no link %q", text)
	}
	return links[i].attrs["href"]
}
