package wsgi

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/shim/wire"
)

// head is an answer's head after the checks.
type head struct {
	status int
	reason string // the status's phrase, which may be empty
	// length is the app's Content-Length, or what the shim knows of the body; -1:
	// neither.
	length int64
	// straight: the app asks that nothing is between it and the client, as it
	// would ask nginx (X-Accel-Buffering: no).
	straight bool
}

// checkHead reads what the worker sent, as hostile bytes (RFC 9110 5.1, 5.5, 15;
// PEP 3333, "The start_response() Callable"). Every error is a *badResponse.
func checkHead(h *wire.Head) (head, error) {
	status, err := parseStatus(h.Status)
	if err != nil {
		return head{}, err
	}
	out := head{status: status, reason: strings.TrimPrefix(h.Status[3:], " "), length: -1}
	for i := range h.Fields {
		f := &h.Fields[i]
		if err := checkField(f); err != nil {
			return head{}, err
		}
		if len(f.Name) == len("X-Accel-Buffering") && strings.EqualFold(f.Name, "X-Accel-Buffering") {
			out.straight = strings.EqualFold(f.Value, "no")
		}
		if len(f.Name) == len("Content-Length") && strings.EqualFold(f.Name, "Content-Length") {
			n, err := parseLength(f.Value)
			if err != nil {
				return head{}, err
			}
			if out.length >= 0 && out.length != n {
				return head{}, &badResponse{fmt.Sprintf("two Content-Length fields, %d and %d", out.length, n)}
			}
			out.length = n
		}
	}
	if out.length < 0 {
		out.length = h.Length
	}
	return out, nil
}

// checkField checks a name and a value.
func checkField(f *wire.Field) error {
	if !isToken(f.Name) {
		return &badResponse{fmt.Sprintf("field name %.100q is not a token (RFC 9110 5.1)", f.Name)}
	}
	if j := controlByte(f.Value); j >= 0 {
		return &badResponse{fmt.Sprintf("field %s: its value %.200q holds the control byte %#02x (RFC 9110 5.5)", f.Name, f.Value, f.Value[j])}
	}
	return nil
}

// parseStatus wants three digits, 200 to 599, and a reason behind one space. PEP
// 3333 asks for the reason; an empty one is let through (RFC 9112 4). 1xx is no
// final answer.
func parseStatus(s string) (int, error) {
	if len(s) < 3 || len(s) > 3 && s[3] != ' ' {
		return 0, &badResponse{fmt.Sprintf("status %.100q: want three digits, a space and a reason, such as \"200 OK\"", s)}
	}
	n := 0
	for i := range 3 {
		if s[i] < '0' || s[i] > '9' {
			return 0, &badResponse{fmt.Sprintf("status %.100q: want three digits, a space and a reason, such as \"200 OK\"", s)}
		}
		n = 10*n + int(s[i]-'0')
	}
	if n < 200 || n > 599 {
		return 0, &badResponse{fmt.Sprintf("status %.100q: want 200 to 599", s)}
	}
	if i := controlByte(s[3:]); i >= 0 {
		return 0, &badResponse{fmt.Sprintf("status %.100q: its reason holds the control byte %#02x", s, s[3+i])}
	}
	return n, nil
}

// parseLength takes digits only (RFC 9110 8.6): no sign, no space, no list.
func parseLength(s string) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63) // takes no sign
	if err != nil || s == "" {
		return 0, &badResponse{fmt.Sprintf("Content-Length %.100q is not a number", s)}
	}
	return int64(n), nil
}

// controlByte finds a control byte that a field value must not hold; a tab may be.
func controlByte(s string) int {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return i
		}
	}
	return -1
}

// tokenByte are the bytes of a token (RFC 9110 5.6.2).
var tokenByte = func() (t [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		t[c] = true
	}
	return t
}()

func isToken(s string) bool {
	for i := range len(s) {
		if !tokenByte[s[i]] {
			return false
		}
	}
	return s != ""
}

// hopByHop: fields that speak about one connection, which is the server's and not
// the app's (PEP 3333, "Other HTTP Features"; wsgiref.util.is_hop_by_hop).
func hopByHop(name string) bool {
	switch len(name) {
	case 2:
		return strings.EqualFold(name, "TE")
	case 7:
		return strings.EqualFold(name, "Trailer") || strings.EqualFold(name, "Upgrade")
	case 8:
		return strings.EqualFold(name, "Trailers")
	case 10:
		return strings.EqualFold(name, "Connection") || strings.EqualFold(name, "Keep-Alive")
	case 16:
		return strings.EqualFold(name, "Proxy-Connection")
	case 17:
		return strings.EqualFold(name, "Transfer-Encoding")
	case 18:
		return strings.EqualFold(name, "Proxy-Authenticate")
	case 19:
		return strings.EqualFold(name, "Proxy-Authorization")
	}
	return false
}

// setFields puts the app's fields into the answer, in the app's spelling and order, for a
// way in that takes them so. Fields that the chain has set and the app sets too are the
// app's. Content-Length is left to the caller.
func (p *response) setFields(fields []wire.Field) {
	if !p.w.Fields.Ordered() {
		p.setMap(fields)
		return
	}
	for i := range fields {
		f := &fields[i]
		switch {
		case hopByHop(f.Name):
			p.log.hopByHop(f.Name)
			continue
		case len(f.Name) == len("Content-Length") && strings.EqualFold(f.Name, "Content-Length"):
			continue
		}
		p.ownField(f.Name)
		p.w.Fields.Add(f.Name, f.Value)
	}
}

// ownField takes out a field of the chain that the app sets itself.
func (p *response) ownField(name string) {
	switch len(name) {
	case len("X-Request-Id"), len("Server"), len("Alt-Svc"):
		p.w.Defaults.Drop(name)
	}
}

// setMap puts the app's fields into the map of the answer, in the app's spelling; fields of
// one name keep their order.
func (p *response) setMap(fields []wire.Field) {
	h := p.w.Header()
	values := make([]string, len(fields)) // one allocation for all
	var spellings spellings
	for i := range fields {
		f := &fields[i]
		if hopByHop(f.Name) {
			p.log.hopByHop(f.Name)
			continue
		}
		key, repeated := spellings.first(fields, i) // two spellings are one field
		if len(key) == len("Content-Length") && strings.EqualFold(key, "Content-Length") {
			continue
		}
		if repeated {
			h[key] = append(h[key], f.Value)
			continue
		}
		p.ownField(key)
		if len(key) == len("Date") && key != "Date" && strings.EqualFold(key, "Date") {
			h["Date"] = nil // there, so that the way in does not add its own
		}
		values[i] = f.Value
		h[key] = values[i : i+1 : i+1]
	}
}

// spellings finds the spelling in which a field's name came first: by a look at those
// before it, and from manyFields on by a table, so that the time is linear. A new one
// is for one answer.
type spellings struct{ by map[string]string } // lower case -> the first spelling

// manyFields is more than usual answers have.
const manyFields = 32

// first returns the first spelling of the name of fields[i], and whether it came before.
// It is called for each i in order, but for fields that are not sent.
func (s *spellings) first(fields []wire.Field, i int) (name string, repeated bool) {
	name = fields[i].Name
	if len(fields) < manyFields {
		for j := range i {
			if len(fields[j].Name) == len(name) && strings.EqualFold(fields[j].Name, name) {
				return fields[j].Name, true
			}
		}
		return name, false
	}
	if s.by == nil {
		s.by = make(map[string]string, len(fields))
	}
	lower := strings.ToLower(name)
	if before, ok := s.by[lower]; ok {
		return before, true
	}
	s.by[lower] = name
	return name, false
}

// setLength sends the length n of the body that a GET would have. setFields comes before.
func (p *response) setLength(n int64) {
	if p.w.Fields.Ordered() {
		p.w.Fields.SetLength(n)
		return
	}
	p.w.Header()["Content-Length"] = []string{strconv.FormatInt(n, 10)}
}
