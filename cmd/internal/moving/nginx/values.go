package nginx

import (
	"math"
	"strconv"
	"strings"
)

// size is a size of nginx as standpipe writes it; empty: it is none.
func size(s string) string {
	s = strings.ToLower(s)
	digits := strings.TrimRight(s, "kmg")
	if _, err := strconv.Atoi(digits); err != nil {
		return ""
	}
	unit, ok := map[string]string{"": "", "k": "KiB", "m": "MiB", "g": "GiB"}[s[len(digits):]]
	if !ok {
		return ""
	}
	return digits + unit
}

// bytesOf is a size of nginx in bytes; 0 is no limit.
func bytesOf(s string) float64 {
	s = strings.ToLower(s)
	n, err := strconv.ParseFloat(strings.TrimRight(s, "kmg"), 64)
	if err != nil || n == 0 {
		return math.Inf(1)
	}
	switch s[len(s)-1] {
	case 'k':
		n *= 1 << 10
	case 'm':
		n *= 1 << 20
	case 'g':
		n *= 1 << 30
	}
	return n
}

// seconds is a time of nginx in seconds, with a fraction for milliseconds; not ok: it is none. A month has 30 days, a year 365.
func seconds(s string) (string, bool) {
	units := map[string]float64{"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "M": 30 * 86400, "y": 365 * 86400}
	total, rest := 0.0, s
	for rest != "" {
		i := 0
		for i < len(rest) && rest[i] >= '0' && rest[i] <= '9' {
			i++
		}
		n, err := strconv.Atoi(rest[:i])
		if err != nil {
			return "", false
		}
		j := i
		for j < len(rest) && (rest[j] < '0' || rest[j] > '9') {
			j++
		}
		unit := strings.TrimSpace(rest[i:j])
		if unit == "" {
			unit = "s"
		}
		factor, ok := units[unit]
		if !ok {
			return "", false
		}
		total += float64(n) * factor
		rest = rest[j:]
	}
	return strconv.FormatFloat(total, 'f', -1, 64) + "s", s != ""
}

// hosts are the names of a server. left are those that standpipe does not know.
func hosts(names []string) (out, left []string) {
	for _, name := range names {
		name = strings.ToLower(name)
		switch {
		case name == "_" || name == "" || name == "*" || strings.HasPrefix(name, "-"):
			return nil, left // any host
		case strings.HasPrefix(name, "~") || strings.HasSuffix(name, "*") || strings.Contains(name, "$"):
			left = append(left, name)
		case strings.HasPrefix(name, "."):
			out = append(out, name[1:], "*"+name)
		default:
			out = append(out, name)
		}
	}
	return out, left
}
