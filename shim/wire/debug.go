package wire

import "github.com/vmihailenco/msgpack/v5"

// Bounds of a Debug, in bytes, and how many of a worker may be open.
const (
	MaxDebugAt   = 1024
	MaxDebugger  = 64
	MaxDebugOpen = 64
)

// Debug is a worker's question for the terminal: a debugger in the app wants it.
type Debug struct {
	Stream   uint32 // the request that it stands in; 0: none
	At       string // file:line
	Debugger string // pdb, ipdb, pudb
}

// DecodeDebug decodes a Debug's payload. Its texts are the app's: no control character was removed.
func DecodeDebug(p []byte) (*Debug, error) {
	m := new(Debug)
	err := walkMap(p, func(w *walker, key string) (known bool, err error) {
		switch key {
		case "stream":
			var n uint64
			if n, err = w.uint64(); err == nil && n > 1<<32-1 {
				err = Errorf(nil, "a Debug on stream %d", n)
			}
			m.Stream = uint32(n)
		case "at":
			m.At, err = w.str()
		case "debugger":
			m.Debugger, err = w.str()
		default:
			return false, nil
		}
		return true, err
	})
	if err == nil && (len(m.At) > MaxDebugAt || len(m.Debugger) > MaxDebugger) {
		err = Errorf(nil, "a Debug with texts of %d and %d bytes; at most %d and %d", len(m.At), len(m.Debugger), MaxDebugAt, MaxDebugger)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// AppendTerminal appends a Terminal frame: the answer to the Debug of this number. Without a device why says why there is none.
func AppendTerminal(b []byte, number uint32, device, why string) ([]byte, error) {
	if len(device) > MaxDebugAt {
		device, why = "", "the path of the terminal is too long"
	}
	payload, err := msgpack.Marshal(map[string]any{"device": device, "why": why[:min(len(why), MaxDebugAt)]})
	if err != nil {
		return b, err
	}
	return AppendFrame(b, Frame{Kind: KindTerminal, Stream: number, Payload: payload}), nil
}
