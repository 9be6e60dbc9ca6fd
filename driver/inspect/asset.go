package inspect

import (
	"embed"
	"net/http"
	"path"
)

//go:embed assets
var assets embed.FS

// kinds are the media types of what the pages load, whatever the machine's own list says.
var kinds = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

func writeAsset(w http.ResponseWriter, r *http.Request, name string) {
	if _, err := assets.Open("assets/" + name); err != nil {
		missing("There is no such file.").write(w)
		return
	}
	w.Header().Set("Content-Type", kinds[path.Ext(name)])
	w.Header().Set("Cache-Control", "private, max-age=300")
	http.ServeFileFS(w, r, assets, "assets/"+name)
}
