package top

import (
	"fmt"
	"strconv"
	"time"
)

// Numbers of a table take at most 6 cells.

// rate is a number per second.
func rate(v float64) string {
	switch {
	case v <= 0:
		return "0"
	case v < 0.05:
		return "<0.1"
	case v < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return count(int64(v + 0.5))
}

// count is a number of things.
func count(n int64) string {
	switch {
	case n < 100_000:
		return strconv.FormatInt(n, 10)
	case n < 1_000_000:
		return strconv.FormatInt(n/1000, 10) + "k"
	case n < 1_000_000_000:
		return short(float64(n)/1e6) + "M"
	}
	return short(float64(n)/1e9) + "G"
}

// short has three digits.
func short(v float64) string {
	switch {
	case v < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// took is a time that something took, in seconds; 0: nothing did.
func took(s float64) string {
	switch {
	case s <= 0:
		return "-"
	case s < 0.0000995:
		return strconv.FormatFloat(max(s*1e6, 1), 'f', 0, 64) + "µs"
	case s < 0.00995:
		return strconv.FormatFloat(s*1e3, 'f', 1, 64) + "ms"
	case s < 0.9995:
		return strconv.FormatFloat(s*1e3, 'f', 0, 64) + "ms"
	case s < 9.995:
		return strconv.FormatFloat(s, 'f', 2, 64) + "s"
	case s < 99.95:
		return strconv.FormatFloat(s, 'f', 1, 64) + "s"
	}
	return age(s)
}

// age is how long something has lasted, in seconds.
func age(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
}

// size is a number of bytes; 0: unknown.
func size(n float64) string {
	switch {
	case n <= 0:
		return "-"
	case n < 1<<10:
		return strconv.FormatFloat(n, 'f', 0, 64) + "B"
	case n < 1<<20:
		return two(n/(1<<10)) + "K"
	case n < 1<<30:
		return two(n/(1<<20)) + "M"
	}
	return two(n/(1<<30)) + "G"
}

// two has two digits, or more before the point.
func two(v float64) string {
	if v < 9.95 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// share is a part of a whole.
func share(part, whole float64) string {
	switch p := 100 * part / whole; {
	case whole <= 0:
		return "-"
	case part <= 0:
		return "0%"
	case p < 0.05:
		return "<0.1%"
	case p < 9.95:
		return strconv.FormatFloat(p, 'f', 1, 64) + "%"
	default:
		return strconv.FormatFloat(p, 'f', 0, 64) + "%"
	}
}

// several is a number with its noun.
func several(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
