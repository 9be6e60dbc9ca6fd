// Package server is what the feeds share that ask a PostgreSQL server itself: a connection for questions (Line), where
// positions of its WAL can be passed (Pages), how far a stream is behind (Lag), own writes that wait for their position
// (Settler), and barriers (Gate).
package server
