package testenv

import (
	"net/url"
	"path/filepath"
	"runtime"
)

// mostSocketPath is how long the path of a Unix socket may be: what Linux
// allows is 107 bytes, and macOS and the BSDs a little less.
const mostSocketPath = 103

// socketFits tells whether PostgreSQL can have its socket in a directory.
func socketFits(dir string) bool {
	return runtime.GOOS != "windows" && len(filepath.Join(dir, ".s.PGSQL.65535")) <= mostSocketPath
}

// SocketDSN is [Server.DSN] by way of the server's Unix socket in place of TCP.
// It is empty where there is none: Options didn't ask for it, the server was
// given, or its directory's name is too long.
func (s *Server) SocketDSN(database string) string {
	if s.socket == "" {
		return ""
	}
	u, err := url.Parse(s.DSN(database))
	if err != nil {
		return "" // it can't be: we have made it
	}
	query := u.Query()
	query.Set("host", s.socket)
	query.Set("port", u.Port())
	u.Host, u.RawQuery = "", query.Encode()
	return u.String()
}
