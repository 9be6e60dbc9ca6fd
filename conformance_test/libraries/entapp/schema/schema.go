// Package schema is what the ent code in the directory above is generated from.
package schema

import (
	"time"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Author writes books.
type Author struct{ ent.Schema }

// Fields are an author's columns.
func (Author) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").Unique().NotEmpty(),
		field.Time("born").Optional().Nillable(),
		field.Strings("languages").Optional(),
	}
}

// Edges are whom an author is joined with.
func (Author) Edges() []ent.Edge {
	return []ent.Edge{edge.To("books", Book.Type).Annotations(entsql.OnDelete(entsql.Cascade))}
}

// Book has one author and any number of tags.
type Book struct{ ent.Schema }

// Fields are a book's columns.
func (Book) Fields() []ent.Field {
	return []ent.Field{
		field.String("isbn").Unique(),
		field.String("title"),
		field.Float("price").Min(0),
		field.Int("stock").Default(0),
		field.Enum("binding").Values("hard", "soft").Default("soft"),
		field.Time("added").Default(time.Now).Immutable(),
	}
}

// Edges are what a book is joined with.
func (Book) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("author", Author.Type).Ref("books").Unique().Required(),
		edge.To("tags", Tag.Type),
	}
}

// Indexes are those beside the unique columns'.
func (Book) Indexes() []ent.Index { return []ent.Index{index.Fields("price")} }

// Tag is stuck to any number of books.
type Tag struct{ ent.Schema }

// Fields are a tag's columns.
func (Tag) Fields() []ent.Field { return []ent.Field{field.String("name").Unique()} }

// Edges are what a tag is joined with.
func (Tag) Edges() []ent.Edge { return []ent.Edge{edge.From("books", Book.Type).Ref("tags")} }
