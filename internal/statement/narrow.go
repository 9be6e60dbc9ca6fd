package statement

// Narrowing is a promise about a relation that a text names exactly once: its rows whose Column does not equal the value
// have no influence on the result.
type Narrowing struct {
	// Relation is the relation as the text names it, and Column one of its columns.
	Relation Name
	Column   string
	// Kind says what the value is.
	Kind NarrowingKind
	// Param is the number of the placeholder that holds the value, when Kind is ByParam.
	Param int
	// Literal is the value as text otherwise.
	Literal string
	// Cast is the type that the value is cast to, or empty when it isn't.
	Cast Name
}

// NarrowingKind is the kind of a value that a column is compared with.
type NarrowingKind int

// The kinds of a value.
const (
	// ByParam is a placeholder.
	ByParam NarrowingKind = iota + 1
	// ByString is a quoted literal: its type is the column's, unless it is cast.
	ByString
	// ByNumber is a number as it was written, with its sign.
	ByNumber
	// ByBool is true or false.
	ByBool
)
