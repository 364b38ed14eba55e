package config

import (
	"time"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// SpoolAuto is a SpoolTotal or AnswerTotal that is derived at the start.
const SpoolAuto = -1

// The bounds of MaxHead. A head is held in memory, and the worker protocol allows 1 MiB for one request's environ.
const (
	leastHead = 1 << 10
	mostHead  = 512 << 10
)

// The bounds of MaxFields and the lower one of MaxTarget: a browser sends up to 30 fields.
const (
	leastFields = 40
	mostFields  = 10_000
	leastTarget = 256
)

// Limits are what clients may send and take, and how long that may last. Sizes are in bytes.
type Limits struct {
	BufferBody    int64         `key:"buffer_body"`    // of a request body that is kept in memory; more goes to a file; 0: all in memory
	MaxBody       int64         `key:"max_body"`       // of a request body; more is answered 413
	SpoolTotal    int64         `key:"spool_total"`    // of all request bodies in files together; SpoolAuto: by the folder's free space
	AnswerTotal   int64         `key:"answer_total"`   // of all responses in files together; SpoolAuto: likewise
	BodyTimeout   time.Duration `key:"body_timeout"`   // silence while a body arrives; then 408
	SendTimeout   time.Duration `key:"send_timeout"`   // silence while a response waits for its client; then the connection is reset
	MinRate       int64         `key:"min_rate"`       // bytes per second that a client sends or takes at least, while it is waited for
	TunnelTimeout time.Duration `key:"tunnel_timeout"` // silence of an upgraded connection
	HeaderTimeout time.Duration `key:"header_timeout"` // for the whole of a request's head; then the connection is closed
	IdleTimeout   time.Duration `key:"idle_timeout"`   // between two requests on one connection
	MaxHead       int64         `key:"max_head"`       // of request line and fields together; more is answered 431

	MaxFields   int   `key:"max_fields"`                  // of one request; more is answered 431
	MaxTarget   int64 `key:"max_target"`                  // of a request target; more is answered 414
	MaxRequests int   `key:"max_requests_per_connection"` // then it is closed; 0: no limit

	// What waits for a client that is slower than its app.
	ResponseMemory int64 `key:"response_memory"` // of one response in memory; more goes to a file; 0: only what all of them share bounds it
	SpoolMax       int64 `key:"spool_max"`       // of one response in its file; beyond it the app waits

	MaxConns  int `key:"max_connections"`            // open client connections; at the limit accepting waits
	PerClient int `key:"max_connections_per_client"` // of one address or IPv6 /64; further ones are closed at once; 0: no limit
}

// Settings are those of [limits].
func (*Limits) Settings() schema.Group {
	return schema.Group{Key: "limits", Settings: []schema.Setting{
		{Key: "buffer_body", Kind: schema.Size, Default: "64KiB"},
		{Key: "max_body", Kind: schema.Size, Default: "100MiB", Reload: true},
		autoSize("spool_total", func(l *Limits) *int64 { return &l.SpoolTotal }),
		autoSize("answer_total", func(l *Limits) *int64 { return &l.AnswerTotal }),
		{Key: "body_timeout", Kind: schema.Duration, Default: "30s", Reload: true},
		{Key: "send_timeout", Kind: schema.Duration, Default: "60s", Reload: true},
		{Key: "min_rate", Kind: schema.Size, Default: "500", Reload: true},
		{Key: "tunnel_timeout", Kind: schema.Duration, Default: "5m", Reload: true},
		{Key: "header_timeout", Kind: schema.Duration, Default: "10s"},
		{Key: "idle_timeout", Kind: schema.Duration, Default: "75s", Flags: []string{"idle-timeout", "keep-alive"}},
		{Key: "max_head", Kind: schema.Size, Default: "64KiB"},
		{Key: "max_fields", Kind: schema.Int, Default: "200"},
		{Key: "max_target", Kind: schema.Size, Default: "32KiB"},
		{Key: "max_requests_per_connection", Kind: schema.Int, Default: "0"},
		{Key: "response_memory", Kind: schema.Size, Default: "256KiB"},
		{Key: "spool_max", Kind: schema.Size, Default: "256MiB"},
		{Key: "max_connections", Kind: schema.Int, Derived: "80 % of the open files limit; in a container no more than its memory limit / 64KiB"},
		{Key: "max_connections_per_client", Kind: schema.Int, Default: "0", Reload: true},
	}}
}

// autoSize is a size that is derived at the start unless it is set.
func autoSize(key string, at func(*Limits) *int64) schema.Setting {
	return schema.Setting{Key: key, Kind: schema.Size, Default: "auto",
		Set: schema.Set(func(l *Limits, in schema.Input) error {
			if in.Last() == "auto" {
				*at(l) = SpoolAuto
				return nil
			}
			return schema.Store(at(l), in.Last(), schema.ParseSize)
		}),
		Show: schema.Show(func(l *Limits) (string, bool) {
			if n := *at(l); n != SpoolAuto {
				return schema.FormatSize(n), true
			}
			return "auto", true
		})}
}

// Check finds limits that do not go together.
func (l *Limits) Check(r *schema.Row) {
	size := schema.FormatSize
	if l.MaxBody > 0 && l.BufferBody > l.MaxBody && r.Given("buffer_body") && !r.Unsure("buffer_body", "max_body") {
		r.Bad("buffer_body", "buffer_body %s is more than max_body %s; lower it", size(l.BufferBody), size(l.MaxBody))
	}
	if l.SpoolTotal > 0 && l.SpoolTotal < l.BufferBody && !r.Unsure("buffer_body", "spool_total") {
		r.Bad("spool_total", "spool_total %s is less than buffer_body %s: no body would ever go to a file; raise it", size(l.SpoolTotal), size(l.BufferBody))
	}
	switch {
	case l.MaxHead > 0 && l.MaxHead < leastHead:
		r.Bad("max_head", "max_head is %s, too small for any browser; it is 1KiB to 512KiB", size(l.MaxHead))
	case l.MaxHead == 0 || l.MaxHead > mostHead:
		r.Bad("max_head", "max_head is %s; it is 1KiB to 512KiB, because a head is held in memory", size(l.MaxHead))
	}
	if l.MaxFields < leastFields || l.MaxFields > mostFields {
		r.Bad("max_fields", "max_fields is %d; it is %d to %d and cannot be switched off", l.MaxFields, leastFields, mostFields)
	}
	if l.MaxTarget < leastTarget || l.MaxTarget > mostHead {
		r.Bad("max_target", "max_target is %s; it is %s to %s and cannot be switched off", size(l.MaxTarget), size(leastTarget), size(mostHead))
	}
}
