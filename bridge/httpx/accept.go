package httpx

import (
	"strconv"
	"strings"
)

// ranges calls each with the media ranges of an Accept field (RFC 9110 12.5.1), in lower case and without parameters.
func ranges(accept []string, each func(kind string, q float64)) {
	for _, line := range accept {
		for item := range strings.SplitSeq(line, ",") {
			kind, params, _ := strings.Cut(item, ";")
			q := 1.0
			for param := range strings.SplitSeq(params, ";") {
				if k, v, _ := strings.Cut(strings.TrimSpace(param), "="); strings.EqualFold(k, "q") {
					if f, err := strconv.ParseFloat(v, 64); err == nil {
						q = f
					}
				}
			}
			each(strings.ToLower(strings.TrimSpace(kind)), q)
		}
	}
}

// PrefersJSON reports whether an Accept field puts a JSON type above HTML. "*/*" and nothing mean HTML.
func PrefersJSON(accept []string) bool {
	js, htm := 0.0, 0.0
	ranges(accept, func(kind string, q float64) {
		switch {
		case kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json"):
			js = max(js, q)
		case kind == "text/html" || kind == "application/xhtml+xml" || kind == "text/*":
			htm = max(htm, q)
		}
	})
	return js > htm
}

// AcceptsHTML reports whether an Accept field takes HTML: the most specific range counts.
func AcceptsHTML(accept []string) bool {
	best, ok := -1, true
	ranges(accept, func(kind string, q float64) {
		rank := -1
		switch kind {
		case "text/html":
			rank = 2
		case "text/*":
			rank = 1
		case "*/*":
			rank = 0
		case "":
			return
		}
		if best < 0 && rank < 0 {
			ok = false // there are ranges, and none of HTML so far
		}
		if rank > best || rank >= 0 && rank == best && q > 0 {
			best, ok = rank, q > 0
		}
	})
	return ok
}
