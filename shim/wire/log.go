package wire

// LogRecord is a line of the shim's own for the log.
type LogRecord struct {
	Level, Event, Message string
	Pairs                 []string // key, value, key, value, ...
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
