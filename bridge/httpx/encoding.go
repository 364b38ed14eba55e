package httpx

import (
	"net/textproto"
	"strconv"
	"strings"
)

// PickEncoding returns the first of offers (content codings in order of preference)
// that an Accept-Encoding field likes best (RFC 9110 12.5.3); -1: send it as it is.
// A coding whose weight is below that of "identity" is not used; where the field does not name
// identity, every coding is better. No client is refused: one that forbids the identity and
// accepts none of offers gets the identity.
func PickEncoding(fields []string, offers []string) int {
	best, at := 0, -1
	for i, offer := range offers {
		if q := quality(fields, offer); q > best {
			best, at = q, i
		}
	}
	if at >= 0 && best < quality(fields, "identity") {
		return -1
	}
	return at
}

// quality is the weight of a coding in thousandths; 0: not acceptable. The weight of an
// identity that is not named is 0 too: it is acceptable, and the last choice.
func quality(fields []string, coding string) int {
	star := 0
	for _, field := range fields {
		for rest := field; rest != ""; {
			var item string
			item, rest, _ = strings.Cut(rest, ",")
			name, params, _ := strings.Cut(item, ";")
			name = textproto.TrimString(name)
			switch {
			case strings.EqualFold(name, coding), coding == "gzip" && strings.EqualFold(name, "x-gzip"):
				return weight(params)
			case name == "*" && coding != "identity":
				star = weight(params)
			}
		}
	}
	return star
}

// weight reads ";q=0.5" (RFC 9110 12.4.2); a malformed one counts as 0.
func weight(params string) int {
	for params != "" {
		var p string
		p, params, _ = strings.Cut(params, ";")
		name, value, ok := strings.Cut(textproto.TrimString(p), "=")
		if !ok || !strings.EqualFold(textproto.TrimString(name), "q") {
			continue
		}
		f, err := strconv.ParseFloat(textproto.TrimString(value), 64)
		if err != nil || f < 0 || f > 1 {
			return 0
		}
		return int(f * 1000)
	}
	return 1000
}
