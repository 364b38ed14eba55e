package shim

import (
	"bytes"
	"encoding/binary"
	"strings"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// Label names a request in logs and in status: the supervisor sees no HTTP.
type Label struct {
	ID, Method, Target string
	Client             string // its address; empty: unknown
	Start              time.Time
	// Attempt is 1 for the first run (0 means 1), 2 for a retry.
	Attempt int
	// Again says whether the request may be run once more when its worker dies after
	// it has started: "yes", or why not; empty: its method had started.
	Again string
}

// Var is one entry of a request's environ. The octets of Value become a Python
// str by latin-1 (PEP 3333, "native strings").
type Var struct{ Name, Value string }

// Field is one field of an answer's head.
type Field struct{ Name, Value string }

// Head is the status and the fields of an answer, in the app's order and
// spelling. It is data that nobody has checked.
type Head struct {
	Status string // "200 OK"
	Fields []Field
	// Length is how many octets the body will have, when the shim knows it from
	// what the app returned; -1: it does not.
	Length int64
	// File: the body is a file; Exchange.File brings it.
	File bool
}

// Get returns the first field of that name in any spelling; empty: none.
func (h *Head) Get(name string) string {
	for i := range h.Fields {
		if len(h.Fields[i].Name) == len(name) && strings.EqualFold(h.Fields[i].Name, name) {
			return h.Fields[i].Value
		}
	}
	return ""
}

// Boot is Go's first message to a worker: what to load, and what stays the same
// for all its requests.
type Boot struct {
	Name       string
	App        string   // empty: try Candidates
	Candidates []string // relative to Dir
	Dir        string
	PythonPath []string
	Found      string // how the interpreter was found; may be empty
	Threads    int    // requests at a time; 0 means 1
	Gevent     bool   // they are gevent's greenlets, not threads
	Worker     int    // 0..n-1
	Generation int    // 1, 2, ...
	Tag        string // the secret of the tags in the worker's output; empty: no tags
	Environ    []Var
	Watch      bool // the shim names the modules' files
}

// Hello is the worker's first message: the interpreter runs.
type Hello struct {
	Hash                                       string
	Pid                                        int
	Python, Implementation, Executable, Prefix string
	Control, Life, Stacks                      bool
}

// Ready says that the app is loaded.
type Ready struct {
	Found, How, Framework string
	Import                time.Duration
	Static                []Declared // folders of files that the app declares
}

// Declared is a folder of files that the app would serve, or have served, itself.
type Declared struct {
	// URL is what clients' paths begin with, SCRIPT_NAME included: "/static/".
	URL string
	// Dir is absolute. Of several for one URL the first that has a name counts.
	Dir string
	// Kind says who declares it: "Flask", "Flask blueprint admin", "Django".
	Kind string
	// Refused is why it must not be served without asking the app; empty: it may.
	Refused string
}

// Failed says why the app could not be loaded.
type Failed struct {
	Kind, Message string
	File          string
	Line          int
	Traceback     string
	Dir           string
	SysPath       []string
}

func (f *Failed) Error() string { return f.Message }

// LogRecord is a line of the shim's own for the log.
type LogRecord struct {
	Level, Event, Message string
	Pairs                 []string // key, value, key, value, ...
}

// appendMessage appends a frame on stream 0 whose payload encode writes.
func appendMessage(b []byte, k Kind, encode func(*msgpack.Encoder) error) ([]byte, error) {
	var buf bytes.Buffer
	if err := encode(msgpack.NewEncoder(&buf)); err != nil {
		return b, err
	}
	if buf.Len() > kinds[k].ceiling {
		return b, protocolErrorf(nil, "%v message of %d octets; the ceiling is %d", k, buf.Len(), kinds[k].ceiling)
	}
	return AppendFrame(b, Frame{Kind: k, Payload: buf.Bytes()}), nil
}

// AppendBoot appends a Boot frame.
func AppendBoot(b []byte, m *Boot) ([]byte, error) {
	threads := max(m.Threads, 1)
	greenlets := 0
	if m.Gevent {
		threads, greenlets = 1, threads
	}
	environ := make(map[string][]byte, len(m.Environ))
	for _, v := range m.Environ {
		environ[v.Name] = []byte(v.Value)
	}
	return appendMessage(b, KindBoot, func(e *msgpack.Encoder) error {
		e.SetSortMapKeys(true)
		return e.Encode(map[string]any{
			"name": m.Name, "app": m.App, "candidates": list(m.Candidates), "dir": m.Dir,
			"pythonpath": list(m.PythonPath), "found": m.Found, "threads": threads, "gevent": greenlets,
			"worker": m.Worker, "generation": m.Generation, "environ": environ, "watch": m.Watch, "tag": m.Tag,
		})
	})
}

// list turns nil into an empty list: the shim gets an array in any case.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// AppendRequest appends a Request frame: the environ, and the first octets of
// the body, at most MaxInline. A head above MaxHead is a *ProtocolError, and b
// comes back as it was.
func AppendRequest(b []byte, stream uint32, vars []Var, body []byte, last bool) ([]byte, error) {
	start := len(b)
	var fl Flags
	if last {
		fl = FlagEnd
	}
	b = AppendHeader(b, KindRequest, fl, stream, 0)
	b = append(b, 0, 0, 0, 0)
	at := len(b)
	b = appendMapLen(b, len(vars))
	for i := range vars {
		b = appendStr(b, vars[i].Name)
		b = appendBin(b, vars[i].Value)
	}
	n := len(b) - at
	if n > MaxHead || len(body) > MaxInline {
		return b[:start], protocolErrorf(nil, "a request with an environ of %d and %d octets of body in one frame", n, len(body))
	}
	b = append(b, body...)
	binary.BigEndian.PutUint32(b[at-4:], uint32(n))
	binary.BigEndian.PutUint32(b[start+8:], uint32(4+n+len(body)))
	return b, nil
}

// The three encodings that stand on every request's way, without the library's
// interfaces.

func appendMapLen(b []byte, n int) []byte {
	switch {
	case n < 16:
		return append(b, 0x80|byte(n))
	case n < 1<<16:
		return append(b, 0xde, byte(n>>8), byte(n))
	}
	return append(b, 0xdf, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

func appendStr(b []byte, s string) []byte {
	switch n := len(s); {
	case n < 32:
		b = append(b, 0xa0|byte(n))
	case n < 1<<8:
		b = append(b, 0xd9, byte(n))
	case n < 1<<16:
		b = append(b, 0xda, byte(n>>8), byte(n))
	default:
		b = append(b, 0xdb, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(b, s...)
}

func appendBin(b []byte, s string) []byte {
	switch n := len(s); {
	case n < 1<<8:
		b = append(b, 0xc4, byte(n))
	case n < 1<<16:
		b = append(b, 0xc5, byte(n>>8), byte(n))
	default:
		b = append(b, 0xc6, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(b, s...)
}

// splitHead parts the payload of a Request or a Head.
func splitHead(p []byte) (head, body []byte, err error) {
	if len(p) < 4 {
		return nil, nil, protocolErrorf(p, "a head without its length")
	}
	n := binary.BigEndian.Uint32(p)
	if n > MaxHead || uint64(n) > uint64(len(p)-4) {
		return nil, nil, protocolErrorf(p, "a head of %d octets in a frame of %d", n, len(p))
	}
	head, body = p[4:4+n], p[4+n:]
	if len(body) > MaxInline {
		return nil, nil, protocolErrorf(nil, "%d octets of body in one frame", len(body))
	}
	return head, body, nil
}

// DecodeRequest parts a Request's payload. body is a part of p.
func DecodeRequest(p []byte) (vars []Var, body []byte, err error) {
	head, body, err := splitHead(p)
	if err != nil {
		return nil, nil, err
	}
	err = walkMap(head, func(w *walker, key string) (bool, error) {
		v, err := w.str()
		vars = append(vars, Var{key, v})
		return true, err
	})
	return vars, body, err
}

// DecodeHead parts a Head's payload. body is a part of p; the Head is not.
func DecodeHead(p []byte) (h *Head, body []byte, err error) {
	head, body, err := splitHead(p)
	if err != nil {
		return nil, nil, err
	}
	// One string for the whole head: the fields are cut out of it.
	text := string(head)
	w := newWalker(head)
	defer w.free()
	cut := func() (string, error) {
		b, err := w.bytes()
		if err != nil {
			return "", err
		}
		end := len(head) - w.left()
		return text[end-len(b) : end], nil
	}
	parts, err := w.arrayLen()
	if err != nil || parts != 2 && parts != 3 {
		return nil, nil, protocolErrorf(head, "a Head that is not an array of two or three")
	}
	h = &Head{Length: -1}
	if h.Status, err = cut(); err != nil {
		return nil, nil, err
	}
	n, err := w.arrayLen()
	if err != nil {
		return nil, nil, err
	}
	if n%2 != 0 {
		return nil, nil, protocolErrorf(head, "a Head with a name and no value")
	}
	h.Fields = make([]Field, n/2)
	for i := range h.Fields {
		if h.Fields[i].Name, err = cut(); err != nil {
			return nil, nil, err
		}
		if h.Fields[i].Value, err = cut(); err != nil {
			return nil, nil, err
		}
	}
	if parts == 3 {
		n, err := w.integer()
		if err != nil || n < 0 {
			return nil, nil, protocolErrorf(head, "a Head whose length is no number of octets")
		}
		h.Length = int64(n)
	}
	return h, body, w.end()
}

// AppendHead appends a Head frame; the fake worker and the vectors use it.
func AppendHead(b []byte, stream uint32, h *Head, body []byte, last bool) []byte {
	var fl Flags
	if last {
		fl = FlagEnd
	}
	p := appendBin([]byte{0, 0, 0, 0, 0x92}, h.Status)
	p = append(p, 0xdd)
	p = binary.BigEndian.AppendUint32(p, uint32(2*len(h.Fields)))
	for _, f := range h.Fields {
		p = appendBin(appendBin(p, f.Name), f.Value)
	}
	binary.BigEndian.PutUint32(p, uint32(len(p)-4))
	p = append(p, body...)
	return AppendFrame(b, Frame{Kind: KindHead, Flags: fl, Stream: stream, Payload: p})
}
