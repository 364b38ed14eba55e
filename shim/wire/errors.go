package wire

import "fmt"

// AppError is an exception that the app raised (an Error frame).
type AppError struct {
	Type, Message  string
	File           string // the app's own innermost frame; empty if unknown
	Line           int    // 0 if unknown
	Function, Text string
	Traceback      string  // whole, at most 64 KiB
	Detail         *Detail // nil: none came
}

func (e *AppError) Error() string {
	s := e.Type
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.File != "" {
		s = fmt.Sprintf("%s:%d: %s", e.File, e.Line, s)
	}
	return s
}

// ProtocolError says that a worker broke the frame protocol: usually something
// else in that process writes on the frame pipe. The Conn that met it is dead.
type ProtocolError struct {
	What string
	// Saw holds the bytes at that place, at most 64 of them.
	Saw []byte
}

func (e *ProtocolError) Error() string {
	if len(e.Saw) == 0 {
		return "protocol error: " + e.What
	}
	return fmt.Sprintf("protocol error: %s; the bytes there: %q", e.What, e.Saw)
}

func Errorf(saw []byte, format string, args ...any) *ProtocolError {
	if len(saw) > 64 {
		saw = saw[:64]
	}
	return &ProtocolError{What: fmt.Sprintf(format, args...), Saw: append([]byte(nil), saw...)}
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
		case "detail":
			m.Detail, err = detail(w)
		default:
			return false, nil
		}
		return true, err
	})
}
