package httpx

import (
	"strconv"
	"time"
)

// tellTiming adds Server-Timing (https://www.w3.org/TR/server-timing/), beside the fields of this name that the handler has set.
func tellTiming(rec *Writer, now time.Time) {
	v := string(rec.Info.appendTiming(make([]byte, 0, 96), now))
	if rec.Fields.ordered {
		rec.Fields.Add("Server-Timing", v)
		return
	}
	h := rec.inner.Header()
	had := h["Server-Timing"]
	h["Server-Timing"] = append(had[:len(had):len(had)], v)
}

// appendTiming writes the parts of the time from Start until now.
func (n *RequestInfo) appendTiming(b []byte, now time.Time) []byte {
	if n.Cache != "" {
		b = append(append(append(b, "cache;desc="...), n.Cache...), ", "...)
	}
	if n.Receive > 0 {
		b = append(appendMetric(b, "body", n.Receive), ", "...)
	}
	if n.Source != "cache" && !n.Asked.IsZero() {
		by := "upstream"
		if n.Worker != "" {
			by = "app"
			b = append(appendMetric(b, "queue", n.Wait), ", "...)
		}
		b = append(appendMetric(b, by, now.Sub(n.Asked)), ", "...)
	}
	return appendMetric(b, "total", now.Sub(n.Start))
}

// appendMetric writes a duration in milliseconds.
func appendMetric(b []byte, name string, d time.Duration) []byte {
	b = append(append(b, name...), ";dur="...)
	return strconv.AppendFloat(b, float64(max(d, 0).Microseconds())/1000, 'f', -1, 64)
}
