package rules

import (
	"strings"
	"time"
)

// dictionary reads a targeted field (RFC 9213 2.1). Not ok: it is no dictionary, or an empty one, and counts as if it were not there.
func dictionary(lines []string) (c control, ok bool) {
	c = nothing()
	p := structured{s: strings.Join(lines, ",")}
	members := 0
	ok = p.dictionary(func(key string, v *value) {
		members++
		switch key {
		case "max-age":
			c.maxAge = v.seconds()
		case "s-maxage":
			c.sMaxAge = v.seconds()
		case "stale-while-revalidate":
			c.whileRevalidate = v.seconds()
		case "stale-if-error":
			c.ifError = v.seconds()
		default:
			if v.kind != kindFalse {
				d := member(key, v)
				c.add(&d)
			}
		}
	})
	return c, ok && members > 0
}

// member is a dictionary's member as a directive.
func member(key string, v *value) directive {
	d := directive{name: key, given: v.kind != kindTrue, bad: v.kind == kindOther || v.kind == kindInteger}
	if v.kind == kindString || v.kind == kindToken {
		d.value = v.text
	}
	return d
}

// seconds is the value of max-age and the like; what is no Integer from 0 is 0, the strictest.
func (v *value) seconds() time.Duration {
	if v.kind != kindInteger || v.n < 0 {
		return 0
	}
	return min(most, time.Duration(min(v.n, 1<<31))*time.Second)
}

// surrogate reads Surrogate-Control (Edge Architecture Specification, W3C Note of 2001): as Cache-Control, but "max-age=60+30" may be
// served stale for 30 s more, and what has ";name" behind it is for another cache. Not ok: nothing in it is about storing.
func surrogate(lines []string) (c control, ok bool) {
	c = nothing()
	for _, line := range lines {
		for line != "" {
			end := comma(line)
			member := line[:end]
			line = line[min(end+1, len(line)):]
			if strings.Contains(member, ";") {
				continue
			}
			d, _ := nextDirective(member)
			switch {
			case d.is("no-store"):
				c.noStore, ok = true, true
			case d.is("max-age"):
				fresh, more, plus := strings.Cut(d.value, "+")
				f := directive{value: fresh, bad: d.bad}
				lower(&c.maxAge, f.seconds())
				if ok = true; plus {
					m := directive{value: more, bad: d.bad}
					lower(&c.whileRevalidate, m.seconds())
				}
			}
		}
	}
	return c, ok
}
