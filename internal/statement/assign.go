package statement

// Assignment is a value that a text gives to a setting of the user's own, for the rest of the session or until the next one.
type Assignment struct {
	// Name is the setting's, in lower case. It has a dot.
	Name string
	// Value is what the server stores, when Param is 0.
	Value string
	// Param is the number of the placeholder that holds the value, or 0.
	Param int
}
