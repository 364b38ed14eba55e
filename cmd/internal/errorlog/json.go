package errorlog

import (
	"time"

	"github.com/standpipe/standpipe/bridge/logtext"
)

// json adds the record as one line.
func (r *record) json(b []byte) []byte {
	b = append(b, `{"time":"`...)
	b = r.at.AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
	b = append(append(append(b, `","level":"`...), r.levelName()...), `","event":"`...)
	b = append(append(b, r.event...), `","message":"`...)
	b = r.jsonText(b, "message", r.message)
	b = append(b, '"')
	for _, f := range r.fields {
		b = append(append(append(b, `,"`...), f.key...), `":`...)
		switch v := f.value.(type) {
		case time.Duration:
			b = seconds(b, v)
		case Bytes:
			b = number(b, int64(v))
		case Of:
			b = number(b, v.N)
			if v.Of > 0 {
				b = append(append(append(b, `,"`...), f.key...), `_of":`...)
				b = number(b, v.Of)
			}
		case string:
			b = append(r.jsonText(append(b, '"'), f.key, v), '"')
		default:
			b = number(b, v)
		}
	}
	return append(b, '}', '\n')
}

func (r *record) jsonText(b []byte, key, s string) []byte {
	if !r.isLong(key) {
		return logtext.AppendJSON(b, s, fieldMax)
	}
	head, gap, tail := split(key, s)
	b = logtext.AppendJSON(b, head, 2*longHead)
	b = logtext.AppendJSON(b, gap, fieldMax)
	return logtext.AppendJSON(b, tail, 2*longTail)
}
