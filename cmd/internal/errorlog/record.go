package errorlog

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/logtext"
)

// Output is the event of an app's output.
const Output = "output"

// Bounds of a field, in bytes as written.
const (
	fieldMax = logtext.Target
	longHead = 48 << 10 // of a long field, whose middle is left out ...
	longTail = 16 << 10 // ... because a traceback's end names the exception
	lineMax  = 4 << 10  // of a line of a traceback: a client may have sent the text of an exception
)

// long are the fields that may have many lines.
var long = map[string]bool{"traceback": true, "stacks": true, "output": true, "detail": true, "sys_path": true, "in_flight": true, "busy": true, "grew": true, "served": true, "refused": true}

// Bytes is a size: a number in JSON, "412MiB" in text.
type Bytes int64

// String is the size for people.
func (b Bytes) String() string {
	switch {
	case b >= 1<<20 || b <= -1<<20:
		return fmt.Sprintf("%dMiB", int64(b)>>20)
	case b >= 10<<10 || b <= -10<<10:
		return fmt.Sprintf("%dKiB", int64(b)>>10)
	}
	return fmt.Sprintf("%dB", int64(b))
}

// Of is a part of a whole: "3/4" in text; in JSON the number, and the whole as KEY_of.
type Of struct{ N, Of int } // Of 0: there is no limit

// String is the part for people.
func (o Of) String() string {
	if o.Of == 0 {
		return fmt.Sprintf("%d/unlimited", o.N)
	}
	return fmt.Sprintf("%d/%d", o.N, o.Of)
}

// record is one event.
type record struct {
	at      time.Time
	level   hclog.Level
	event   string
	message string
	made    bool // the message is the event's general one
	fields  []field
}

type field struct {
	key   string
	value any // string, bool, an integer, float64, time.Duration, Bytes or Of
}

func newRecord(at time.Time, level hclog.Level, event string, pairs []any) *record {
	r := &record{at: at, level: level, event: name(event), fields: make([]field, 0, len(pairs)/2)}
	for i := 0; i+1 < len(pairs); i += 2 {
		key, value := name(fmt.Sprint(pairs[i])), plain(pairs[i+1])
		switch key {
		case "message":
			r.message, _ = value.(string)
			continue
		case "time", "level", "event":
			key += "_"
		}
		r.put(key, value)
	}
	return r
}

// put adds a field; of two with the same key the later one counts.
func (r *record) put(key string, value any) {
	for i := range r.fields {
		if r.fields[i].key == key {
			r.fields[i].value = value
			return
		}
	}
	r.fields = append(r.fields, field{key, value})
}

// name makes s the name of a field or an event: a worker may send any text.
func name(s string) string {
	good := func(c byte) bool { return c == '_' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }
	for i := range len(s) {
		if !good(s[i]) || i == 64 {
			b := []byte(s[:min(len(s), 64)])
			for i, c := range b {
				if !good(c) {
					b[i] = '_'
				}
			}
			return string(b)
		}
	}
	return s
}

// plain makes v one of the types of a field.
func plain(v any) any {
	switch v := v.(type) {
	case string, bool, int, int64, uint64, float64, time.Duration, Bytes, Of:
		return v
	case int32:
		return int64(v)
	case uint32:
		return int64(v)
	case uint16:
		return int64(v)
	case nil:
		return ""
	case error:
		return v.Error()
	case fmt.Stringer:
		return v.String()
	case []string:
		return strings.Join(v, ", ")
	}
	return fmt.Sprint(v)
}

// levelName is the level as JSON has it.
func (r *record) levelName() string {
	if r.level == hclog.NoLevel {
		return "info"
	}
	return r.level.String()
}

// isLong reports whether the value of key may have many lines.
func (r *record) isLong(key string) bool {
	return long[key] || key == "message" && r.event == Output
}

// split removes the middle of a long text, and the ends of long lines in a traceback.
func split(key, s string) (head, gap, tail string) {
	if len(s) > lineMax && (key != "message" && key != "output" || strings.Contains(s, "Traceback (most recent call last)")) {
		list := strings.Split(s, "\n")
		for i, line := range list {
			list[i] = logtext.Cut(line, lineMax)
		}
		s = strings.Join(list, "\n")
	}
	if len(s) <= longHead+longTail {
		return s, "", ""
	}
	end, start := longHead, len(s)-longTail
	if i := strings.LastIndexByte(s[:end], '\n'); i > longHead/2 {
		end = i
	}
	if i := strings.IndexByte(s[start:], '\n'); i >= 0 && i < longTail/2 {
		start += i + 1
	}
	return s[:end], fmt.Sprintf("\n... %d bytes left out ...\n", start-end), s[start:]
}

// seconds writes a duration as a number.
func seconds(b []byte, d time.Duration) []byte {
	return strconv.AppendFloat(b, d.Round(time.Microsecond).Seconds(), 'f', -1, 64)
}

// number writes v, a number or a boolean.
func number(b []byte, v any) []byte {
	switch v := v.(type) {
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case uint64:
		return strconv.AppendUint(b, v, 10)
	case float64:
		if text, err := json.Marshal(v); err == nil {
			return append(b, text...)
		}
		return append(b, "null"...) // not a number: JSON has none
	}
	return b
}
