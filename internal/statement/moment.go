package statement

import "strings"

var escapeMarks = strings.NewReplacer(`\`, "", `"`, "")

// moments are the words that PostgreSQL's date and time input turns into the current time. They fold to constants when a
// statement is parsed, so no later look at its plan can find them; 'epoch' and 'infinity' are harmless.
var moments = [...]string{"now", "today", "tomorrow", "yesterday"}

// NamesMoment tells whether a text could be read as a moment that moves, such as 'now' or '[today,)', on its own or inside
// a range, an array or a row. A statement with such a literal or argument is not cached: it may be meant for a date or a
// time. It is on the way of every hit with a text argument, so it is written for speed.
func NamesMoment(s string) bool {
	if strings.ContainsAny(s, `\"`) {
		// Inside a range, an array or a row these two are taken off the words.
		s = escapeMarks.Replace(s)
	}
	begin := true
	for i := 0; i+len("now") <= len(s); i++ {
		c := lower(s[i])
		if begin && (c == 'n' || c == 't' || c == 'y') && momentAt(s[i:]) {
			return true
		}
		begin = !letter(c)
	}
	return false
}

// momentAt tells whether s begins with one of the words and the word ends there.
func momentAt(s string) bool {
	for _, word := range moments {
		if len(s) < len(word) || !foldsTo(s[:len(word)], word) {
			continue
		}
		if len(s) == len(word) || !letter(lower(s[len(word)])) {
			return true
		}
	}
	return false
}

// lower folds an ASCII letter; what is not a letter stays outside a to z.
func lower(c byte) byte { return c | 0x20 }

func letter(c byte) bool { return 'a' <= c && c <= 'z' }

func foldsTo(s, word string) bool {
	for i := range len(word) {
		if lower(s[i]) != word[i] {
			return false
		}
	}
	return true
}
