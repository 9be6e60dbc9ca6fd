package dsn

import "strings"

// nearest gives the candidate that word was most likely meant to be, or "". A
// candidate is near if one letter or a third of them differ, or if one of the
// two starts with the other, which counts as two letters.
func nearest(word string, candidates []string) string {
	word = strings.ToLower(word)
	best, bestDistance := "", longestShown
	for _, c := range candidates {
		d, limit := distance(word, c), max(min(1, len(c)-1), len(c)/3)
		if sharesStart(word, c) {
			d = min(d, 2)
			limit = d
		}
		if d <= limit && d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// nearestParameter compares what comes after the prefix that all names share.
func nearestParameter(name string) string {
	const prefix = "pgcache_"
	if distance(strings.ToLower(name), "pgcache") <= 2 {
		return "pgcache"
	}
	if len(name) < len(prefix) {
		return ""
	}
	tails := make([]string, 0, len(parameterNames))
	for _, n := range parameterNames[1:] {
		tails = append(tails, n[len(prefix):])
	}
	if tail := nearest(name[len(prefix):], tails); tail != "" {
		return prefix + tail
	}
	return ""
}

// sharesStart reports whether the longer of two words continues the shorter,
// as in redis_url and redis. Short starts say nothing.
func sharesStart(word, candidate string) bool {
	const telling = 4
	short, long := word, candidate
	if len(short) > len(long) {
		short, long = long, short
	}
	return len(short) >= telling && strings.HasPrefix(long, short)
}

// distance counts the letters to insert, delete, change or swap with their
// neighbour to make a into b.
func distance(a, b string) int {
	if len(a) > longestShown {
		return len(a)
	}
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		above := row
		row = make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+unequal(a[i-1], b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before = above
	}
	return row[len(b)]
}

func unequal(a, b byte) int {
	if a == b {
		return 0
	}
	return 1
}

// listed writes two or more alternatives the way a sentence does: a, b or c.
func listed(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
