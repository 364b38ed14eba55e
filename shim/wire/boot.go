package wire

import (
	"bytes"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

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
	Dev        bool // what fails has a Detail
	Debug      bool // breakpoint() may ask for the terminal
	// Timeout is how long the app has for a request until its first byte of body, for
	// standpipe.deadline; a request may say otherwise. 0: no limit.
	Timeout time.Duration
	// Health are paths that are answered before any app is asked; Ready says which of
	// them the app has a route for.
	Health []string
	// Named is the place in the configuration that names App, "standpipe.toml:3"; empty: the
	// command line does, or nothing. What a Failed proposes to do is worded by it.
	Named string
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

// Failed says why the app could not be loaded.
type Failed struct {
	Kind, Message string
	Fix           string // what to do: one command or edit a line; empty: it is not known
	File          string
	Line          int
	Traceback     string
	Dir           string
	SysPath       []string
	Detail        *Detail // nil: none came
}

func (f *Failed) Error() string { return f.Message }

// appendMessage appends a frame on stream 0 whose payload encode writes.
func appendMessage(b []byte, k Kind, encode func(*msgpack.Encoder) error) ([]byte, error) {
	var buf bytes.Buffer
	if err := encode(msgpack.NewEncoder(&buf)); err != nil {
		return b, err
	}
	if buf.Len() > kinds[k].ceiling {
		return b, Errorf(nil, "%v message of %d bytes; the ceiling is %d", k, buf.Len(), kinds[k].ceiling)
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
			"worker": m.Worker, "generation": m.Generation, "environ": environ, "watch": m.Watch, "dev": m.Dev, "debug": m.Debug, "tag": m.Tag,
			"prefetch": m.Prefetch, "timeout_ms": timeoutMS(m.Timeout), "health": list(m.Health), "named": m.Named,
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

// The decoders return a *ProtocolError for bytes that PROTOCOL.md does not allow, and
// ignore keys that it does not name.

// DecodeHello decodes a Hello's payload.
func DecodeHello(p []byte) (*Hello, error) {
	m := new(Hello)
	return m, walkMap(p, func(w *walker, key string) (known bool, err error) {
		switch key {
		case "hash":
			m.Hash, err = w.str()
		case "pid":
			m.Pid, err = w.integer()
		case "python":
			m.Python, err = w.str()
		case "implementation":
			m.Implementation, err = w.str()
		case "executable":
			m.Executable, err = w.str()
		case "prefix":
			m.Prefix, err = w.str()
		case "control":
			m.Control, err = w.boolean()
		case "life":
			m.Life, err = w.boolean()
		case "stacks":
			m.Stacks, err = w.boolean()
		default:
			return false, nil
		}
		return true, err
	})
}

// DecodeReady decodes a Ready's payload.
func DecodeReady(p []byte) (*Ready, error) {
	m := new(Ready)
	return m, walkMap(p, func(w *walker, key string) (known bool, err error) {
		switch key {
		case "found":
			m.Found, err = w.str()
		case "how":
			m.How, err = w.str()
		case "framework":
			m.Framework, err = w.str()
		case "import_ms":
			var n int
			n, err = w.integer()
			m.Import = time.Duration(n) * time.Millisecond
		case "static":
			m.Static, err = w.declared()
		case "answers":
			m.Answers, err = w.texts(answersMost)
		case "answers_unknown":
			m.AnswersUnknown, err = w.str()
		default:
			return false, nil
		}
		return true, err
	})
}

// answersMost bounds the paths that a Ready may name.
const answersMost = 64

// DecodeFailed decodes a Failed's payload.
func DecodeFailed(p []byte) (*Failed, error) {
	m := new(Failed)
	return m, walkMap(p, func(w *walker, key string) (known bool, err error) {
		switch key {
		case "kind":
			m.Kind, err = w.str()
		case "message":
			m.Message, err = w.str()
		case "fix":
			m.Fix, err = w.str()
		case "file":
			m.File, err = w.str()
		case "line":
			m.Line, err = w.integer()
		case "traceback":
			m.Traceback, err = w.str()
		case "dir":
			m.Dir, err = w.str()
		case "detail":
			m.Detail, err = detail(w)
		case "sys_path":
			var n int
			if n, err = w.count(MaxPath, "entries of sys.path"); err != nil {
				return true, err
			}
			for ; n > 0 && err == nil; n-- {
				var s string
				s, err = w.str()
				m.SysPath = append(m.SysPath, s)
			}
		default:
			return false, nil
		}
		return true, err
	})
}
