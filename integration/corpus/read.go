package corpus

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Case is one connection of a client: what it sends, and what it has to be told.
type Case struct {
	Name   string
	Clause string // of the standard, which asks for the outcome
	Place  string // file:line
	Steps  []Step
	Fin    bool     // the client closes its sending side behind the bytes
	Skip   []string // where the case says nothing: "app", "proxy"
	Want   []Answer
	End    End
}

// Step is one part of what the client sends.
type Step struct {
	Bytes string
	Await int // before the next step the client waits for this interim status; 0: it does not wait
}

// End is what becomes of the connection after the last answer.
type End string

// The ends.
const (
	Keep  End = "keep"  // the next request on it is answered
	Close End = "close" // it is closed, and what follows on it never runs
	Any   End = "any"   // either of them
)

// Answer is what one request has to be answered.
type Answer struct {
	Statuses []int // one of them; 0: the connection closes without an answer
	// What the handler saw; checked for 200 alone. nil: anything.
	Method, Target, Host, Body, Proto *string
	Fields                            map[string]*string // nil value: no such field
}

// Invalid tells whether the last request must be refused.
func (c *Case) Invalid() bool {
	return len(c.Want) > 0 && !slices.Contains(c.Want[len(c.Want)-1].Statuses, 200)
}

// Slow tells whether the outcome comes with a timeout.
func (c *Case) Slow() bool {
	return len(c.Want) > 0 && slices.Contains(c.Want[len(c.Want)-1].Statuses, 408)
}

// Bytes is all that the client sends.
func (c *Case) Bytes() string {
	var b strings.Builder
	for _, s := range c.Steps {
		b.WriteString(s.Bytes)
	}
	return b.String()
}

// Skips tells whether the case says nothing about a way through a server.
func (c *Case) Skips(way string) bool { return slices.Contains(c.Skip, way) }

// Forwarded is the case as a server behind another one has to see it: an intermediary may write the target in another form
// (RFC 9112 3.2.2) and decodes what needs no encoding (RFC 3986 6.2.2.2), and the version and the fields about the connection are its own.
func (c *Case) Forwarded() *Case {
	f := *c
	f.Want = slices.Clone(c.Want)
	for i := range f.Want {
		a := &f.Want[i]
		a.Proto, a.Host, a.Fields = nil, nil, nil
		if a.Target != nil && !strings.HasPrefix(*a.Target, "/") {
			a.Target = nil
		} else if a.Target != nil {
			plain := unreserved.ReplaceAllStringFunc(*a.Target, func(e string) string {
				b, _ := hex.DecodeString(e[1:]) // two digits
				return string(b)
			})
			a.Target = &plain
		}
	}
	return &f
}

// unreserved are the encoded forms of letters, digits, "-", ".", "_" and "~".
var unreserved = regexp.MustCompile(`(?i)%(2d|2e|3\d|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9ae])`)

// Read reads all cases of dir/*.txt.
func Read(dir string) ([]*Case, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no corpus in %s: %w", dir, err)
	}
	var cases []*Case
	names := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		list, err := parse(filepath.Base(file), string(text))
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			if other, twice := names[c.Name]; twice {
				return nil, fmt.Errorf("%s: the name %s is at %s too", c.Place, c.Name, other)
			}
			names[c.Name] = c.Place
		}
		cases = append(cases, list...)
	}
	return cases, nil
}

func parse(file, text string) ([]*Case, error) {
	var list []*Case
	var c *Case
	for i, line := range strings.Split(text, "\n") {
		place := fmt.Sprintf("%s:%d", file, i+1)
		if line == "" || line[0] == '#' {
			continue
		}
		kind, rest, _ := strings.Cut(line, " ")
		if kind != "@" && c == nil {
			return nil, fmt.Errorf("%s: a line before the first case", place)
		}
		var err error
		switch kind {
		case "@":
			if err = finished(c); err == nil {
				c = &Case{Place: place}
				c.Name, c.Clause, _ = strings.Cut(rest, " ")
				list = append(list, c)
			}
		case ">":
			err = c.send(rest)
		case "~":
			c.Steps[len(c.Steps)-1].Await, err = strconv.Atoi(rest)
		case "fin":
			c.Fin = true
		case "skip":
			c.Skip = strings.Fields(rest)
		case "=":
			err = c.expect(rest)
		default:
			err = fmt.Errorf("%q begins no line of a case", kind)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", place, err)
		}
	}
	return list, finished(c)
}

func finished(c *Case) error {
	switch {
	case c == nil:
		return nil
	case c.Clause == "", len(c.Want) == 0, c.End == "", len(c.Steps) == 0:
		return fmt.Errorf("%s: case %q lacks a clause, bytes, an answer or keep, close, any", c.Place, c.Name)
	}
	return nil
}

func (c *Case) send(text string) error {
	bytes, err := unescape(text)
	if n := len(c.Steps); n > 0 && c.Steps[n-1].Await == 0 {
		c.Steps[n-1].Bytes += bytes
	} else {
		c.Steps = append(c.Steps, Step{Bytes: bytes})
	}
	return err
}

// expect reads "200 GET /target key="value" ... keep" or "400/431 close".
func (c *Case) expect(text string) error {
	var words []string
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimLeft(rest, " ") {
		end := strings.IndexByte(rest, ' ')
		if eq := strings.Index(rest, `="`); eq >= 0 && (end < 0 || eq < end) {
			quoted, err := strconv.QuotedPrefix(rest[eq+1:])
			if err != nil {
				return fmt.Errorf("%q: %w", rest, err)
			}
			end = eq + 1 + len(quoted)
		}
		if end < 0 {
			end = len(rest)
		}
		words, rest = append(words, rest[:end]), rest[end:]
	}
	a := Answer{Fields: map[string]*string{}}
	for i, w := range words {
		name, value, pair := strings.Cut(w, "=")
		if pair && strings.HasPrefix(value, `"`) {
			var err error
			if value, err = strconv.Unquote(value); err != nil {
				return err
			}
		}
		switch {
		case i == 0:
			for s := range strings.SplitSeq(w, "/") {
				n, err := strconv.Atoi(strings.Replace(s, "none", "0", 1))
				if err != nil {
					return err
				}
				a.Statuses = append(a.Statuses, n)
			}
		case w == "keep", w == "close", w == "any":
			c.End = End(w)
		case name == "host":
			a.Host = &value
		case name == "body":
			value = Brief(value)
			a.Body = &value
		case name == "long": // a body in the corpus's own escapes
			body, err := unescape(value)
			if err != nil {
				return err
			}
			body = Brief(body)
			a.Body = &body
		case name == "proto":
			a.Proto = &value
		case name == "target":
			a.Target = &value
		case strings.HasPrefix(name, "field:") && value == "-":
			a.Fields[name[len("field:"):]] = nil
		case strings.HasPrefix(name, "field:"):
			a.Fields[name[len("field:"):]] = &value
		case i == 1:
			a.Method = &w
		case i == 2:
			a.Target = &w
		default:
			return fmt.Errorf("%q says nothing about an answer", w)
		}
	}
	if slices.Contains(a.Statuses, 200) && a.Method == nil {
		return fmt.Errorf("%q names no method", text)
	}
	c.Want = append(c.Want, a)
	return nil
}

// unescape resolves \r \n \t \0 \\ \xHH and \(N:text), which is text N times.
func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		if i == len(s) {
			return "", fmt.Errorf("a backslash at the end of %q", s)
		}
		switch s[i] {
		case 'r':
			b.WriteByte('\r')
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case '0':
			b.WriteByte(0)
		case '\\':
			b.WriteByte('\\')
		case 'x':
			n, err := strconv.ParseUint(s[i+1:min(i+3, len(s))], 16, 8)
			if err != nil {
				return "", fmt.Errorf("%q: %w", s, err)
			}
			b.WriteByte(byte(n))
			i += 2
		case '(':
			end := strings.IndexByte(s[i:], ')')
			number, text, ok := strings.Cut(s[i+1:i+max(end, 1)], ":")
			n, err := strconv.Atoi(number)
			if end < 0 || !ok || err != nil {
				return "", fmt.Errorf("%q: \\(N:text) is expected", s)
			}
			text, err = unescape(text)
			if err != nil {
				return "", err
			}
			b.WriteString(strings.Repeat(text, n))
			i += end
		default:
			return "", fmt.Errorf("%q: unknown escape \\%c", s, s[i])
		}
	}
	return b.String(), nil
}
