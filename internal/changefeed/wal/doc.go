// Package wal is the feed that reads PostgreSQL's logical replication.
package wal

import (
	_ "github.com/jackc/pglogrepl" // the stream's messages
)
