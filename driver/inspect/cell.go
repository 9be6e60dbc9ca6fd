package inspect

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// cell is a value as SHOW gives it, and as it is shown.
type cell struct {
	Raw    string
	Text   string
	Number bool
}

// cellOf shows a value by the name of its column or counter: sizes and times in units that fit, counts in groups of digits.
func cellOf(name, raw string) cell {
	number, isNumber := numberIn(raw)
	switch {
	case !isNumber:
		return cell{Raw: printable(raw), Text: printable(raw)}
	case strings.HasSuffix(name, "bytes"):
		return cell{raw, size(number), true}
	case strings.HasSuffix(name, "_ms"):
		return cell{raw, millis(number), true}
	case strings.Contains(raw, "."):
		return cell{raw, raw, true}
	default:
		return cell{raw, grouped(raw), true}
	}
}

// digits is what SHOW writes numbers with. A rule may be called "inf".
var digits = regexp.MustCompile(`^-?\d{1,18}(\.\d{1,9})?$`)

func numberIn(raw string) (n float64, isNumber bool) {
	if !digits.MatchString(raw) {
		return 0, false
	}
	n, err := strconv.ParseFloat(raw, 64)
	return n, err == nil
}

// grouped writes a whole number with a comma before each three digits.
func grouped(number string) string {
	sign := ""
	if rest, negative := strings.CutPrefix(number, "-"); negative {
		sign, number = "-", rest
	}
	var parts []string
	for len(number) > 3 {
		parts = append([]string{number[len(number)-3:]}, parts...)
		number = number[:len(number)-3]
	}
	return sign + strings.Join(append([]string{number}, parts...), ",")
}

// size writes a number of bytes.
func size(n float64) string {
	for _, unit := range []string{"B", "KiB", "MiB", "GiB"} {
		if n < 1024 {
			return figures(n) + " " + unit
		}
		n /= 1024
	}
	return figures(n) + " TiB"
}

// millis writes a time given in milliseconds.
func millis(ms float64) string {
	switch d := time.Duration(ms * float64(time.Millisecond)); {
	case d == 0:
		return "0 ms"
	case d < time.Millisecond:
		return figures(ms*1000) + " µs"
	case d < time.Second:
		return figures(ms) + " ms"
	case d < 2*time.Minute:
		return figures(ms/1000) + " s"
	case d < 2*time.Hour:
		return figures(d.Minutes()) + " min"
	default:
		return grouped(strconv.FormatFloat(d.Hours(), 'f', 0, 64)) + " h"
	}
}

// figures writes three figures that matter, and none that say nothing.
func figures(n float64) string {
	switch {
	case n == 0:
		return "0"
	case n < 10:
		return trimmed(strconv.FormatFloat(n, 'f', 2, 64))
	case n < 100:
		return trimmed(strconv.FormatFloat(n, 'f', 1, 64))
	default:
		return grouped(strconv.FormatFloat(n, 'f', 0, 64))
	}
}

func trimmed(n string) string { return strings.TrimSuffix(strings.TrimRight(n, "0"), ".") }

// percent writes a share of one. It rounds down: only all is 100 %.
func percent(share float64) string {
	return trimmed(strconv.FormatFloat(math.Floor(share*1000)/10, 'f', 1, 64)) + " %"
}

// printable makes visible what a text could hide: control characters, and those that turn the direction of writing. What is
// shown is then what is there.
func printable(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if strings.IndexFunc(text, hidden) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if hidden(r) {
			fmt.Fprintf(&b, `\u%04X`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func hidden(r rune) bool {
	return r != '\n' && r != '\t' && r != '\r' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r >= 0xFFFE && r <= 0xFFFF)
}
