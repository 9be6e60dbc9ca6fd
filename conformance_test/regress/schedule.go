package regress

import (
	"io/fs"
	"strings"
)

// schedule gives the names of the files in the order in which PostgreSQL runs them; those that it runs side by side come one
// after the other.
func schedule(dir fs.FS) ([]string, error) {
	text, err := fs.ReadFile(dir, "parallel_schedule")
	if err != nil {
		return nil, err
	}
	var files []string
	for line := range strings.Lines(string(text)) {
		if list, ok := strings.CutPrefix(strings.TrimSpace(line), "test:"); ok {
			files = append(files, strings.Fields(list)...)
		}
	}
	return files, nil
}
