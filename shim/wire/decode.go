package wire

import (
	"encoding/binary"
	"time"
)

// The worker's messages. Each decoder returns a *ProtocolError for octets that
// PROTOCOL.md does not allow, and ignores keys that it does not name.

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

// count returns the length of an array of at most most elements: each takes more memory
// here than the one byte that it may take there.
func (w *walker) count(most int, what string) (int, error) {
	n, err := w.arrayLen()
	if err == nil && n > most {
		return 0, Errorf(nil, "%d %s; at most %d", n, what, most)
	}
	return n, err
}

// declared walks an array of maps.
func (w *walker) declared() (list []Declared, err error) {
	n, err := w.count(MaxDeclared, "folders of files")
	for ; n > 0 && err == nil; n-- {
		var d Declared
		var keys int
		for keys, err = w.mapLen(); keys > 0 && err == nil; keys-- {
			var key string
			if key, err = w.key(); err != nil {
				return nil, err
			}
			switch key {
			case "url":
				d.URL, err = w.str()
			case "dir":
				d.Dir, err = w.str()
			case "kind":
				d.Kind, err = w.str()
			case "refused":
				d.Refused, err = w.str()
			case "trouble":
				d.Trouble, err = w.str()
			case "traceback":
				d.Traceback, err = w.str()
			case "fields":
				d.Fields, err = w.couples()
			case "cache":
				d.Cache, err = w.str()
			case "charset":
				d.Charset, err = w.str()
			case "types":
				d.Types, err = w.couples()
			case "https":
				d.HTTPS, err = w.boolean()
			default:
				err = w.skip(maxDepth - 3)
			}
		}
		list = append(list, d)
	}
	return list, err
}

// couplesMost bounds an array of names and values.
const couplesMost = 1024

// couples walks an array of str of even length: name, value, ...
func (w *walker) couples() (list []string, err error) {
	list, err = w.texts(couplesMost)
	if err == nil && len(list)%2 != 0 {
		err = w.bad("an array of names and values")
	}
	return list, err
}

// answersMost bounds the paths that a Ready may name.
const answersMost = 64

// texts walks an array of at most so many strings.
func (w *walker) texts(most int) (list []string, err error) {
	n, err := w.arrayLen()
	if err == nil && n > most {
		err = w.bad("an array of fewer strings")
	}
	for ; n > 0 && err == nil; n-- {
		var s string
		s, err = w.str()
		list = append(list, s)
	}
	return list, err
}

// DecodeFailed decodes a Failed's payload.
func DecodeFailed(p []byte) (*Failed, error) {
	m := new(Failed)
	return m, walkMap(p, func(w *walker, key string) (known bool, err error) {
		switch key {
		case "kind":
			m.Kind, err = w.str()
		case "message":
			m.Message, err = w.str()
		case "file":
			m.File, err = w.str()
		case "line":
			m.Line, err = w.integer()
		case "traceback":
			m.Traceback, err = w.str()
		case "dir":
			m.Dir, err = w.str()
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

// DecodeError decodes an Error's payload.
func DecodeError(p []byte) (*AppError, error) {
	m := new(AppError)
	return m, walkMap(p, func(w *walker, key string) (known bool, err error) {
		switch key {
		case "type":
			m.Type, err = w.str()
		case "message":
			m.Message, err = w.str()
		case "file":
			m.File, err = w.str()
		case "line":
			m.Line, err = w.integer()
		case "function":
			m.Function, err = w.str()
		case "text":
			m.Text, err = w.str()
		case "traceback":
			m.Traceback, err = w.str()
		default:
			return false, nil
		}
		return true, err
	})
}

// DecodeLog decodes a Log's payload.
func DecodeLog(p []byte) (*LogRecord, error) {
	m := new(LogRecord)
	return m, walkMap(p, func(w *walker, key string) (known bool, err error) {
		value, err := w.str()
		switch key {
		case "level":
			m.Level = value
		case "event":
			m.Event = value
		case "message":
			m.Message = value
		default:
			if m.Pairs = append(m.Pairs, key, value); len(m.Pairs) > 2*MaxPairs {
				return true, Errorf(nil, "a Log with more than %d pairs", MaxPairs)
			}
		}
		return true, err
	})
}

// DecodeText decodes a payload that is one str (Stacks).
func DecodeText(p []byte) (string, error) {
	w := newWalker(p)
	defer w.free()
	s, err := w.str()
	if err != nil {
		return "", err
	}
	return s, w.end()
}

// DecodeWindow decodes a Window's payload: so many octets more.
func DecodeWindow(p []byte) (int, error) {
	if len(p) != 4 {
		return 0, Errorf(p, "a Window of %d octets", len(p))
	}
	n := binary.BigEndian.Uint32(p)
	if n > 1<<30 {
		return 0, Errorf(p, "a Window of %d more octets", n)
	}
	return int(n), nil
}
