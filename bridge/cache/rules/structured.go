package rules

import (
	"strings"
)

// kind is the type of a structured field's bare item (RFC 9651 3.3).
type kind uint8

const (
	kindTrue kind = iota // a member without a value, or ?1
	kindFalse
	kindInteger
	kindString
	kindToken
	kindOther // a decimal, bytes, a date, a display string, an inner list
)

// value is an item.
type value struct {
	kind kind
	n    int64
	text string
}

// structured reads a structured field (RFC 9651 4.2). Its methods report whether what they read is one.
type structured struct {
	s string
	i int
}

func (p *structured) more() bool { return p.i < len(p.s) }

func (p *structured) eat(c byte) bool {
	if p.more() && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *structured) skip(chars string) {
	for p.more() && strings.IndexByte(chars, p.s[p.i]) >= 0 {
		p.i++
	}
}

// list reads a List.
func (p *structured) list(each func(*value)) bool {
	p.skip(" ")
	for p.more() {
		v, ok := p.member()
		if !ok {
			return false
		}
		each(&v)
		if !p.next() {
			return false
		}
	}
	return true
}

// dictionary reads a Dictionary.
func (p *structured) dictionary(each func(key string, v *value)) bool {
	p.skip(" ")
	for p.more() {
		key, ok := p.key()
		if !ok {
			return false
		}
		var v value
		if p.eat('=') {
			if v, ok = p.member(); !ok {
				return false
			}
		} else if !p.parameters() {
			return false
		}
		each(key, &v)
		if !p.next() {
			return false
		}
	}
	return true
}

// next goes to the next member, or to the end.
func (p *structured) next() bool {
	p.skip(" \t")
	if !p.more() {
		return true
	}
	if !p.eat(',') {
		return false
	}
	p.skip(" \t")
	return p.more() // no comma at the end
}

// member reads an item or an inner list, with its parameters.
func (p *structured) member() (v value, ok bool) {
	if !p.eat('(') {
		return p.item()
	}
	for p.more() {
		p.skip(" ")
		if p.eat(')') {
			return value{kind: kindOther}, p.parameters()
		}
		if _, ok := p.item(); !ok || !p.more() || p.s[p.i] != ' ' && p.s[p.i] != ')' {
			return v, false
		}
	}
	return v, false
}

func (p *structured) item() (v value, ok bool) {
	if v, ok = p.bare(); ok {
		ok = p.parameters()
	}
	return v, ok
}

// parameters reads ";a;b=1".
func (p *structured) parameters() bool {
	for p.eat(';') {
		p.skip(" ")
		if _, ok := p.key(); !ok {
			return false
		}
		if p.eat('=') {
			if _, ok := p.bare(); !ok {
				return false
			}
		}
	}
	return true
}

func (p *structured) key() (string, bool) {
	start := p.i
	for p.more() {
		c := p.s[p.i]
		lower := 'a' <= c && c <= 'z' || c == '*'
		if !lower && (p.i == start || !(isDigit(c) || c == '_' || c == '-' || c == '.')) {
			break
		}
		p.i++
	}
	return p.s[start:p.i], p.i > start
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// bare reads a bare item.
func (p *structured) bare() (v value, ok bool) {
	if !p.more() {
		return v, false
	}
	switch c := p.s[p.i]; {
	case isDigit(c) || c == '-':
		return p.number()
	case c == '"':
		return p.text()
	case isAlpha(c) || c == '*':
		start := p.i
		for p.more() && (tokenBytes[p.s[p.i]] || p.s[p.i] == ':' || p.s[p.i] == '/') {
			p.i++
		}
		return value{kind: kindToken, text: p.s[start:p.i]}, true
	case c == '?':
		p.i++
		if p.eat('1') {
			return value{kind: kindTrue}, true
		}
		return value{kind: kindFalse}, p.eat('0')
	case c == '@':
		p.i++
		v, ok = p.number()
		ok = ok && v.kind == kindInteger
		return value{kind: kindOther}, ok
	case c == ':':
		return p.bytes()
	case c == '%':
		p.i++
		if !p.more() || p.s[p.i] != '"' {
			return v, false
		}
		_, ok = p.text() // its %xx are bytes that a string may have
		return value{kind: kindOther}, ok
	}
	return v, false
}

// number reads an Integer or a Decimal.
func (p *structured) number() (v value, ok bool) {
	negative := p.eat('-')
	start := p.i
	n := int64(0)
	for p.more() && isDigit(p.s[p.i]) {
		if p.i-start == 15 {
			return v, false
		}
		n = n*10 + int64(p.s[p.i]-'0')
		p.i++
	}
	whole := p.i - start
	if negative {
		n = -n
	}
	if whole == 0 {
		return v, false
	}
	if !p.eat('.') {
		return value{kind: kindInteger, n: n}, true
	}
	start = p.i
	for p.more() && isDigit(p.s[p.i]) {
		p.i++
	}
	part := p.i - start
	return value{kind: kindOther}, whole <= 12 && part >= 1 && part <= 3
}

// text reads a String.
func (p *structured) text() (v value, ok bool) {
	start, escaped := p.i+1, false
	for p.i = start; p.more(); p.i++ {
		switch c := p.s[p.i]; {
		case c == '"':
			if v = (value{kind: kindString, text: p.s[start:p.i]}); escaped {
				v.text = unescape(v.text)
			}
			p.i++
			return v, true
		case c == '\\':
			if p.i++; !p.more() || p.s[p.i] != '"' && p.s[p.i] != '\\' {
				return v, false
			}
			escaped = true
		case c < ' ' || c > '~':
			return v, false
		}
	}
	return v, false
}

// bytes reads a Byte Sequence.
func (p *structured) bytes() (v value, ok bool) {
	for p.i++; p.more(); p.i++ {
		c := p.s[p.i]
		if c == ':' {
			p.i++
			return value{kind: kindOther}, true
		}
		if !isDigit(c) && !isAlpha(c) && c != '+' && c != '/' && c != '=' {
			return v, false
		}
	}
	return v, false
}
