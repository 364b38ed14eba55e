package http1

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The reference reads a head by regular expressions, written from the grammars of RFC 9112, RFC 9110 and RFC 3986 and from
// nothing else. It is slow, and shares no code with the parser.
//
// It works on a text that has one rune for each byte (latin-1), so that a class of the expressions is a set of bytes.

const (
	tchar     = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]"                                      // RFC 9110 5.6.2
	fieldText = `[\t\x20-\x7e\x{80}-\x{ff}]`                                        // RFC 9110 5.5: field-vchar, SP, HTAB
	ows       = `[ \t]*`                                                            // RFC 9110 5.6.3
	quoted    = `"(?:[\t !#-\[\]-~\x{80}-\x{ff}]|\\[\t -~\x{80}-\x{ff}])*"`         // RFC 9110 5.6.4
	pathByte  = `(?:[!"$&-~]|%[0-9A-Fa-f]{2})`                                      // RFC 3986 3.3, and what browsers leave unencoded; "?" is cut off before
	queryByte = `[!"$-~]`                                                           // RFC 3986 3.4 likewise; a "%" may be any
	hostText  = `(?:\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]|[A-Za-z0-9\-._~!$&'()*+;=]+)` // RFC 3986 3.2.2 without "," and "%"
)

var (
	requestLineGrammar = regexp.MustCompile(`^(` + tchar + `+) ([^ ]+) HTTP/([0-9])\.([0-9])$`)
	otherMajor         = regexp.MustCompile(` HTTP/[02-9]\.[0-9]$`)
	fieldLineGrammar   = regexp.MustCompile(`^(` + tchar + `+):` + ows + `(` + fieldText + `*?)` + ows + `$`)
	originGrammar      = regexp.MustCompile(`^/` + pathByte + `*$`)
	queryGrammar       = regexp.MustCompile(`^` + queryByte + `*$`)
	absoluteGrammar    = regexp.MustCompile(`^(?i:https?)://([^/?]*)(/[^?]*)?$`)
	hostGrammar        = regexp.MustCompile(`^` + hostText + `(?::[0-9]*)?$`)
	authorityGrammar   = regexp.MustCompile(`^` + hostText + `:([0-9]+)$`)
	codingGrammar      = regexp.MustCompile(`^` + tchar + `+(?:` + ows + `;` + ows + tchar + `+` + ows + `=` + ows + `(?:` + tchar + `+|` + quoted + `))*$`)
	lengthGrammar      = regexp.MustCompile(`^[0-9]+$`)
)

// verdict is what the reference makes of a head.
type verdict struct {
	whole    bool         // the empty line at its end has come
	bareLF   bool         // a line ends in LF without CR
	n        int          // bytes of the head, when whole
	statuses map[int]bool // of all faults found; none: the head is valid
	free     bool         // the standard, or the parser's limits, leave the choice: anything is right

	method, target, host  string
	minor                 int
	fields                [][2]string
	length                int64
	chunked, expect       bool
	askedClose, askedKeep bool
	hostKnown             bool // host is comparable
}

func (v *verdict) fault(status int) { v.statuses[status] = true }

func toLatin1(b []byte) string {
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

func fromLatin1(s string) string {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		b = append(b, byte(r))
	}
	return string(b)
}

// referenceLimits are the limits that the reference knows.
type referenceLimits struct{ head, fields, target int }

// referenceHead reads the head that b begins with.
func referenceHead(b []byte, lim referenceLimits) (v verdict) {
	v.statuses = map[int]bool{}
	lines := strings.SplitAfter(toLatin1(b), "\n")
	var texts []string
	for _, line := range lines {
		if !strings.HasSuffix(line, "\n") {
			break // the rest has not come
		}
		v.n += len([]rune(line))
		text, crlf := strings.CutSuffix(line, "\r\n")
		if !crlf {
			v.fault(400)
			v.bareLF = true
			return v
		}
		if text == "" && len(texts) > 0 {
			v.whole = true
			break
		}
		texts = append(texts, text)
	}
	if v.whole && v.n > lim.head || !v.whole && len(b) > lim.head {
		v.fault(431)
	}
	if len(texts) == 0 {
		return v
	}
	v.requestLine(texts[0], lim)
	for _, text := range texts[1:] {
		m := fieldLineGrammar.FindStringSubmatch(text)
		if m == nil {
			v.fault(400)
			continue
		}
		v.fields = append(v.fields, [2]string{m[1], m[2]})
	}
	if len(texts)-1 > lim.fields {
		v.fault(431)
	}
	if v.whole {
		v.meaning()
	}
	return v
}

func (v *verdict) requestLine(text string, lim referenceLimits) {
	if words := strings.Split(text, " "); len(words) > 1 && len([]rune(words[1])) > lim.target || len([]rune(text)) > lim.target {
		v.fault(414) // which part is too long may be told in another way
		v.free = v.free || len(words) < 2 || len([]rune(words[1])) <= lim.target
	}
	if otherMajor.MatchString(text) {
		v.fault(505)
	}
	m := requestLineGrammar.FindStringSubmatch(text)
	if m == nil {
		v.fault(400)
		return
	}
	v.method, v.target = m[1], m[2]
	v.minor, _ = strconv.Atoi(m[4])
	v.minor = min(v.minor, 1) // RFC 9112 2.3
	if !v.targetForm() {
		v.fault(400)
	}
}

// targetForm: RFC 9112 3.2.
func (v *verdict) targetForm() bool {
	path, query, _ := strings.Cut(v.target, "?")
	switch {
	case v.method == "CONNECT":
		m := authorityGrammar.FindStringSubmatch(v.target)
		if m == nil {
			return false
		}
		port, err := strconv.ParseUint(m[1], 10, 64)
		v.free = v.free || port == 0 || odd6(v.target)
		return err == nil && port <= 65535
	case v.target == "*":
		return v.method == "OPTIONS"
	case !queryGrammar.MatchString(query):
		return false
	case strings.HasPrefix(path, "/"):
		return originGrammar.MatchString(path)
	}
	m := absoluteGrammar.FindStringSubmatch(path)
	if m == nil || !hostGrammar.MatchString(m[1]) {
		return false
	}
	v.host, v.hostKnown = m[1], true
	v.free = v.free || odd6(m[1])
	return m[2] == "" || originGrammar.MatchString(m[2])
}

// odd6 tells whether a host in brackets is no IPv6 address, though made of its characters: a parser may look closer.
func odd6(host string) bool {
	inside, _, ok := strings.Cut(strings.TrimPrefix(host, "["), "]")
	if !strings.HasPrefix(host, "[") || !ok {
		return false
	}
	a, err := netip.ParseAddr(inside)
	return err != nil || !a.Is6()
}

// values are those of all fields with the name.
func (v *verdict) values(name string) (list []string) {
	for _, f := range v.fields {
		if strings.EqualFold(f[0], name) {
			list = append(list, f[1])
		}
	}
	return list
}

// elements are those of a list-based field, without empty ones (RFC 9110 5.6.1).
func elements(values []string) (list []string) {
	for e := range strings.SplitSeq(strings.Join(values, ","), ",") {
		if e = strings.Trim(e, " \t"); e != "" {
			list = append(list, strings.ToLower(e))
		}
	}
	return list
}

// meaning reads the fields that a server must understand.
func (v *verdict) meaning() {
	hosts := v.values("Host")
	switch {
	case len(hosts) > 1, len(hosts) == 0 && v.minor == 1: // RFC 9112 3.2
		v.fault(400)
	case len(hosts) == 1 && !hostGrammar.MatchString(hosts[0]):
		v.fault(400)
		v.free = v.free || hosts[0] == "" && v.minor == 0
	case len(hosts) == 1:
		v.free = v.free || odd6(hosts[0])
		if !v.hostKnown && v.method != "CONNECT" {
			v.host, v.hostKnown = hosts[0], true
		}
	}
	options := elements(v.values("Connection"))
	v.askedClose, v.askedKeep = slices.Contains(options, "close"), slices.Contains(options, "keep-alive")
	v.framing()
	if expect := v.values("Expect"); v.minor == 1 && len(expect) > 0 { // RFC 9110 10.1.1
		v.expect = len(expect) == 1 && strings.EqualFold(expect[0], "100-continue")
		list := elements(expect)
		v.free = v.free || len(list) == 0 || len(list) != len(expect) || !v.expect && !slices.ContainsFunc(list, func(e string) bool { return e != "100-continue" })
		if !v.expect {
			v.fault(417)
		}
	}
}

// framing: RFC 9112 6.
func (v *verdict) framing() {
	lengths, codings := v.values("Content-Length"), v.values("Transfer-Encoding")
	if len(lengths) > 0 {
		n, err := strconv.ParseInt(lengths[0], 10, 64)
		switch {
		case len(lengths) > 1, !lengthGrammar.MatchString(lengths[0]):
			v.fault(400)
		case err != nil, len(lengths[0]) > 18: // too large for anything, or leading zeros without end
			v.fault(400)
			v.fault(413)
			v.free = v.free || err == nil
		}
		v.length = n
	}
	if len(codings) == 0 {
		return
	}
	if len(lengths) > 0 || v.minor == 0 {
		v.fault(400)
	}
	if len(codings) == 1 && strings.EqualFold(codings[0], "chunked") {
		v.chunked = true
		return
	}
	all := strings.Split(strings.Join(codings, ","), ",")
	known := 0
	wellFormed := true
	for i, c := range all {
		all[i] = strings.ToLower(strings.Trim(c, " \t"))
		wellFormed = wellFormed && codingGrammar.MatchString(all[i])
		if name, _, _ := strings.Cut(all[i], ";"); strings.Trim(name, " \t") == "chunked" {
			known++
		}
	}
	switch {
	case strings.Contains(strings.Join(codings, ""), `"`): // a comma inside quotes
		v.fault(400)
		v.fault(501)
	case wellFormed && known == 1 && all[len(all)-1] == "chunked":
		v.fault(501)
		if len(codings) > 1 {
			v.fault(400)
		}
	default:
		v.fault(400)
	}
}

var (
	chunkLineGrammar = regexp.MustCompile(`^([0-9A-Fa-f]{1,16})((?:` + ows + `;` + ows + tchar + `+(?:` + ows + `=` + ows + `(?:` + tchar + `+|` + quoted + `))?)*)$`)
	trailerGrammar   = fieldLineGrammar
)

// chunkedVerdict is what the reference makes of a chunked body.
type chunkedVerdict struct {
	whole, free bool
	body        string
	n           int // bytes, when whole
}

// referenceChunked reads the chunked body that b begins with: RFC 9112 7.1.
func referenceChunked(b []byte) (v chunkedVerdict) {
	rest := b
	line := func() (string, bool) {
		text, after, ok := strings.Cut(string(rest), "\n")
		text, crlf := strings.CutSuffix(text, "\r")
		if !ok || !crlf || strings.Contains(text, "\r") {
			return "", false
		}
		rest = []byte(after)
		return toLatin1([]byte(text)), true
	}
	extensions, trailers := 0, 0
	for {
		text, ok := line()
		m := chunkLineGrammar.FindStringSubmatch(text)
		if !ok || m == nil {
			return v
		}
		extensions += len(m[2])
		size, err := strconv.ParseUint(m[1], 16, 64)
		if err != nil || size > uint64(len(rest)) {
			return v
		}
		if size == 0 {
			break
		}
		v.body += string(rest[:size])
		rest = rest[size:]
		if end, ok := line(); !ok || end != "" {
			return v
		}
	}
	for {
		text, ok := line()
		switch {
		case !ok, text != "" && !trailerGrammar.MatchString(text):
			return v
		case text != "":
			trailers += len(text)
			continue
		}
		v.whole, v.n = true, len(b)-len(rest)
		v.free = extensions > 200 || trailers > 200 // these have limits
		return v
	}
}
