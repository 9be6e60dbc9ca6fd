package inspect

import (
	_ "embed" // the files below are a part of the program
	"net/http"
)

// What the pages load.
var (
	//go:embed assets/style.css
	style []byte
	//go:embed assets/live.js
	script []byte
	//go:embed assets/icon.svg
	icon []byte
)

// asset is a file with its media type, whatever the machine's own list says.
type asset struct {
	kind    string
	content []byte
}

var assets = map[string]asset{
	"style.css": {"text/css; charset=utf-8", style},
	"live.js":   {"text/javascript; charset=utf-8", script},
	"icon.svg":  {"image/svg+xml", icon},
}

// write writes the file. It may be kept for a while, since it is the same until the program is built anew.
func (a asset) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Cache-Control", "private, max-age=300")
	_, _ = w.Write(a.content) // the visitor may have left
}
