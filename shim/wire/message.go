package wire

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"
	"time"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

// Var is one entry of a request's environ. The octets of Value become a Python
// str by latin-1 (PEP 3333, "native strings").
type Var struct {
	Name, Value string
	// Known is 1 + the place of Name in Names; 0: it is not said, or not there.
	Known uint8
}

// Field is one field of an answer's head.
type Field struct{ Name, Value string }

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
	Prefetch   int    // requests that may be sent beyond the one that runs
	Worker     int    // 0..n-1
	Generation int    // 1, 2, ...
	Tag        string // the secret of the tags in the worker's output; empty: no tags
	Environ    []Var
	Watch      bool // the shim names the modules' files
	// Timeout is how long the app has for a request until its first octet of body, for
	// standpipe.deadline; a request may say otherwise. 0: no limit.
	Timeout time.Duration
	// Health are paths that are answered before any app is asked; Ready says which of
	// them the app has a route for.
	Health []string
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
	Answers               []string   // of Boot's Health, what the app has routes for
	AnswersUnknown        string     // why that could not be found out; empty: it could
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
	// Trouble is why nobody can serve anything of it; empty: it can be served.
	Trouble string
	// Traceback is of the exception that Trouble tells of; may be empty.
	Traceback string
	// Fields are name, value, ... that the app gives each of its files.
	Fields []string
	// Cache is the Cache-Control that the app gives files whose names prove nothing.
	Cache string
	// Charset is of all text files; empty: the app does not say.
	Charset string
	// Types are ".suffix" or a file's name, media type, ... that the app has of its own.
	Types []string
	// HTTPS: a request that did not come by https is the app's to answer.
	HTTPS bool
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
		return b, Errorf(nil, "%v message of %d octets; the ceiling is %d", k, buf.Len(), kinds[k].ceiling)
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
			"prefetch": m.Prefetch, "timeout_ms": timeoutMS(m.Timeout), "health": list(m.Health),
		})
	})
}

// timeoutMS is d in milliseconds; a limit is never rounded to none.
func timeoutMS(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return max(d.Milliseconds(), 1)
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
// comes back as it was. Each name stands once in vars.
func AppendRequest(b []byte, stream uint32, fl Flags, vars []Var, body []byte) ([]byte, error) {
	start := len(b)
	b = AppendHeader(b, KindRequest, fl, stream, 0)
	b = append(b, 0, 0, 0, 0)
	at := len(b)
	b = appendEnviron(b, vars)
	n := len(b) - at
	if n > MaxHead || len(body) > MaxInline {
		return b[:start], Errorf(nil, "a request with an environ of %d and %d octets of body in one frame", n, len(body))
	}
	b = append(b, body...)
	binary.BigEndian.PutUint32(b[at-4:], uint32(n))
	binary.BigEndian.PutUint32(b[start+8:], uint32(4+n+len(body)))
	return b, nil
}

// appendEnviron appends the array of three: which of Names there are, their values
// with a NUL between them, and a map of everything else. A value that holds a NUL
// itself goes into the map.
func appendEnviron(b []byte, vars []Var) []byte {
	var (
		place [len(Names)]uint8 // by name: 1 + its index in vars
		mask  uint64
		size  int // octets of the values and of the NULs behind them
		rest  int
	)
	for i := range vars {
		v := &vars[i]
		if v.Known == 0 || i >= 255 || strings.IndexByte(v.Value, 0) >= 0 {
			rest++
			continue
		}
		place[v.Known-1] = uint8(i + 1)
		mask |= 1 << (v.Known - 1)
		size += len(v.Value) + 1
	}
	b = append(b, 0x93, 0xcf)
	b = binary.BigEndian.AppendUint64(b, mask)
	b = appendBinLen(b, max(size-1, 0))
	for m := mask; m != 0; m &= m - 1 {
		if m != mask {
			b = append(b, 0)
		}
		b = append(b, vars[place[bits.TrailingZeros64(m)]-1].Value...)
	}
	b = appendMapLen(b, rest)
	for i := range vars {
		if rest == 0 {
			break
		}
		if v := &vars[i]; v.Known == 0 || place[v.Known-1] != uint8(i+1) || i >= 255 {
			b = appendStr(b, v.Name)
			b = appendBin(b, v.Value)
			rest--
		}
	}
	return b
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

func appendBin(b []byte, s string) []byte { return append(appendBinLen(b, len(s)), s...) }

func appendBinLen(b []byte, n int) []byte {
	switch {
	case n < 1<<8:
		return append(b, 0xc4, byte(n))
	case n < 1<<16:
		return append(b, 0xc5, byte(n>>8), byte(n))
	}
	return append(b, 0xc6, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// splitHead parts the payload of a Request or a Head.
func splitHead(p []byte) (head, body []byte, err error) {
	if len(p) < 4 {
		return nil, nil, Errorf(p, "a head without its length")
	}
	n := binary.BigEndian.Uint32(p)
	if n > MaxHead || uint64(n) > uint64(len(p)-4) {
		return nil, nil, Errorf(p, "a head of %d octets in a frame of %d", n, len(p))
	}
	head, body = p[4:4+n], p[4+n:]
	if len(body) > MaxPart {
		return nil, nil, Errorf(nil, "%d octets of body in one frame", len(body))
	}
	return head, body, nil
}

// DecodeRequest parts a Request's payload. body is a part of p.
func DecodeRequest(p []byte) (vars []Var, body []byte, err error) {
	head, body, err := splitHead(p)
	if err != nil {
		return nil, nil, err
	}
	w := newWalker(head)
	defer w.free()
	if n, err := w.arrayLen(); err != nil || n != 3 || len(head) < 2 || head[1] != msgpcode.Uint64 {
		return nil, nil, Errorf(head, "a Request that is not an array of three, the first of them eight octets of names")
	}
	mask, err := w.uint64()
	if err != nil {
		return nil, nil, err
	}
	if mask>>len(Names) != 0 {
		return nil, nil, Errorf(head, "a Request with a name beyond the table")
	}
	joined, err := w.bin()
	if err != nil {
		return nil, nil, err
	}
	values := strings.SplitN(joined, "\x00", len(Names)+1)
	if mask == 0 && joined == "" {
		values = nil
	}
	if len(values) != bits.OnesCount64(mask) {
		return nil, nil, Errorf(head, "a Request with %d values for %d names", len(values), bits.OnesCount64(mask))
	}
	for _, v := range values {
		i := bits.TrailingZeros64(mask)
		mask &= mask - 1
		vars = append(vars, Var{Names[i], v, uint8(i + 1)})
	}
	err = w.pairs(func(key string) error {
		v, err := w.bin()
		vars = append(vars, Var{Name: key, Value: v})
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return vars, body, w.end()
}
