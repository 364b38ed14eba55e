package h2

import (
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// records are what the server counts and logs of its clients.
type records struct {
	o     *Options
	limit httpx.LogLimiter // by event and reason
}

// ended counts a connection that ends because of its client, and writes a record, once a minute for
// each reason.
func (r *records) ended(c *conn, why string) {
	if r.o.Ended != nil {
		r.o.Ended(why)
	}
	r.record("connection_ended", c, why, "an HTTP/2 connection was ended because of what its client sent, or did not send (logged once a minute for each reason)")
}

// slowed counts a connection whose client is made to wait, once.
func (r *records) slowed(c *conn) {
	if c.slowed.Swap(true) {
		return
	}
	if r.o.Slowed != nil {
		r.o.Slowed()
	}
	r.record("connection_slowed", c, "tiny_data", "an HTTP/2 connection is read more slowly, because its client sends bodies in tiny frames (logged once a minute)")
}

// slowReader writes a record of a stream that is reset, once a minute.
func (r *records) slowReader(c *conn) {
	r.record("slow_client", c, "send_timeout", "a stream of HTTP/2 was reset: its client did not take its answer within send_timeout and min_rate (logged once a minute)")
}

func (r *records) record(event string, c *conn, why, message string) {
	if r.limit.Allow(event+why, time.Now()) {
		r.o.Log.Info(event, "peer", c.RemoteAddr().String(), "reason", why, "message", message)
	}
}

// refused tells of a request that net/http has answered.
func (r *records) refused(c *conn, status int, why, text string) {
	if r.o.Refused != nil {
		r.o.Refused(Refusal{c.RemoteAddr().String(), status, why, text})
	}
}
