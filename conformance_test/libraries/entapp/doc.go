// Package entapp is the code that ent generates from its schema; see TestEnt.
package entapp

//go:generate go run -mod=mod entgo.io/ent/cmd/ent generate --feature sql/upsert --target . ./schema
