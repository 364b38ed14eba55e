package screen

import (
	"math"
	"strings"
)

var levels = []rune(" ▁▂▃▄▅▆▇█")

// Spark draws the newest values, one a cell, between 0 and most (0: the largest of them). A value above 0 is never empty.
func Spark(values []float64, cells int, most float64) string {
	if cells <= 0 {
		return ""
	}
	if len(values) > cells {
		values = values[len(values)-cells:]
	}
	most = scale(values, most)
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", cells-len(values)))
	for _, v := range values {
		b.WriteRune(levels[level(v, most, len(levels)-1)])
	}
	return b.String()
}

func scale(values []float64, most float64) float64 {
	if most > 0 {
		return most
	}
	for _, v := range values {
		most = max(most, v)
	}
	return most
}

// level is how many of so many steps a value reaches.
func level(v, most float64, steps int) int {
	if !(v > 0) || !(most > 0) {
		return 0
	}
	return min(max(int(math.Ceil(v/most*float64(steps)-1e-9)), 1), steps)
}

// Plot is Spark of several rows, the uppermost first.
func Plot(values []float64, cells, rows int, most float64) []string {
	if cells <= 0 || rows <= 0 {
		return nil
	}
	if len(values) > cells {
		values = values[len(values)-cells:]
	}
	most = scale(values, most)
	full := len(levels) - 1
	out := make([]string, rows)
	for i := range out {
		var b strings.Builder
		b.WriteString(strings.Repeat(" ", cells-len(values)))
		for _, v := range values {
			n := level(v, most, rows*full) - (rows-1-i)*full
			b.WriteRune(levels[min(max(n, 0), full)])
		}
		out[i] = b.String()
	}
	return out
}

var eighths = []rune(" ▏▎▍▌▋▊▉█")

// Bar is a bar of a part of so many cells. A part above 0 is never empty.
func Bar(part float64, cells int) string {
	if cells <= 0 {
		return ""
	}
	n := level(min(part, 1), 1, cells*8)
	s := strings.Repeat("█", n/8)
	if n%8 > 0 {
		s += string(eighths[n%8])
	}
	return s
}
