package rules

import (
	"net/textproto"
	"strings"
)

// maxWeighted bounds the members that are sorted by weight. A field with more is compared as it is.
const maxWeighted = 32

// weighted is a member of Accept-Language or Accept-Encoding (RFC 9110 12.4.2).
type weighted struct {
	name   string
	weight int // in thousandths
}

// readWeighted reads such fields, the heaviest first, into room. Members of one weight keep their order: apps take it for a
// preference. Not ok: there are too many members.
func readWeighted(room []weighted, lines []string) (list []weighted, ok bool) {
	list = room[:0]
	for _, line := range lines {
		for line != "" {
			var member string
			member, line, _ = strings.Cut(line, ",")
			name, params, _ := strings.Cut(member, ";")
			if name = textproto.TrimString(name); name == "" {
				continue
			}
			if len(list) == cap(room) {
				return nil, false
			}
			w := weighted{name, weight(params)}
			at := len(list)
			list = append(list, w)
			for ; at > 0 && list[at-1].weight < w.weight; at-- {
				list[at] = list[at-1]
			}
			list[at] = w
		}
	}
	return list, true
}

// weight reads "q=0.5"; one that is no number counts as 0.
func weight(params string) int {
	for params != "" {
		var p string
		p, params, _ = strings.Cut(params, ";")
		name, value, _ := strings.Cut(p, "=")
		if !strings.EqualFold(textproto.TrimString(name), "q") {
			continue
		}
		value = textproto.TrimString(value)
		whole, part, _ := strings.Cut(value, ".")
		if len(part) > 3 || whole != "0" && whole != "1" {
			return 0
		}
		n := 0
		for i := range 3 {
			n *= 10
			if i < len(part) {
				if part[i] < '0' || part[i] > '9' {
					return 0
				}
				n += int(part[i] - '0')
			}
		}
		if whole == "1" {
			return 1000
		}
		return n
	}
	return 1000
}

// appendWeighted appends the members in lower case, the heaviest first.
func appendWeighted(dst []byte, lines []string) []byte {
	var room [maxWeighted]weighted
	list, ok := readWeighted(room[:], lines)
	if !ok {
		return appendLines(dst, lines)
	}
	for i, w := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		for j := range len(w.name) {
			c := w.name[j]
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
		}
		if w.weight < 1000 {
			dst = append(dst, ';', byte('0'+w.weight/100), byte('0'+w.weight/10%10), byte('0'+w.weight%10))
		}
	}
	return dst
}

// pickLanguage returns the one of languages that the client likes best (RFC 4647 3.4), else the first.
func pickLanguage(lines, languages []string) string {
	var room [maxWeighted]weighted
	list, _ := readWeighted(room[:], lines)
	for _, w := range list {
		if w.weight == 0 {
			break
		}
		for tag := w.name; tag != ""; {
			for _, l := range languages {
				if strings.EqualFold(l, tag) {
					return l
				}
			}
			tag = tag[:max(0, strings.LastIndexByte(tag, '-'))]
		}
		for _, l := range languages { // "de" takes "de-AT"
			if len(l) > len(w.name) && l[len(w.name)] == '-' && strings.EqualFold(l[:len(w.name)], w.name) {
				return l
			}
		}
		if w.name == "*" {
			break
		}
	}
	return languages[0]
}
