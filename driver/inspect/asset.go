package inspect

import (
	"embed"
	"mime"
	"net/http"
	"path"
)

//go:embed assets
var assetFiles embed.FS

// asset gives a file that the pages load, or nil.
func asset(name string) []byte {
	content, err := assetFiles.ReadFile("assets/" + name)
	if err != nil {
		return nil
	}
	return content
}

// kinds are the media types, whatever the machine's own list says.
var kinds = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

func writeAsset(w http.ResponseWriter, name string) {
	kind := kinds[path.Ext(name)]
	if kind == "" {
		kind = mime.TypeByExtension(path.Ext(name))
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "private, max-age=300")
	_, _ = w.Write(asset(name)) // the visitor may have left
}
