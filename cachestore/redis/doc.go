// Package redis keeps entries in Redis.
package redis
