package config

import (
	"time"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// maxPrefetch: more requests would only wait longer behind one that turns out slow.
const maxPrefetch = 64

// Requests are how an app's requests are run.
type Requests struct {
	Timeout time.Duration `key:"timeout"` // from the start of the app's call to its first body bytes, or its end
	// StreamTimeout is how long the app may be silent within its response; the time in which the client takes nothing
	// does not count.
	StreamTimeout    time.Duration `key:"stream_timeout"`
	Prefetch         int           `key:"prefetch"`          // requests that a busy worker with one thread may be sent beyond the one that it runs
	OnDisconnect     string        `key:"on_disconnect"`     // "finish" or "cancel": what happens in the app when its client disconnects
	Buffering        string        `key:"request_buffering"` // "on": a worker is taken when the request body is complete; "off": before it is read
	Queue            int           `key:"queue"`             // requests that may wait for a worker
	QueueTimeout     time.Duration `key:"queue_timeout"`     // how long one may wait; then 503
	UnderscoreFields []string      `key:"underscore_fields"` // names of request fields with "_" that the app gets all the same
	Retry            string        `key:"retry"`             // "safe" or "never": whether a started GET, HEAD or OPTIONS may be run a second time
}

// Settings are keys of [[app]].
func (*Requests) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "timeout", Kind: schema.Duration, Flags: []string{"timeout", "t"}, Default: "30s", Reload: true},
		{Key: "stream_timeout", Kind: schema.Duration, Default: "0", Reload: true},
		{Key: "prefetch", Kind: schema.Int, Default: "8", Reload: true},
		{Key: "on_disconnect", Kind: schema.Choice, Choices: []string{"finish", "cancel"}, Default: "finish", Reload: true},
		{Key: "request_buffering", Kind: schema.Choice, Choices: []string{"on", "off"}, Default: "on", Reload: true},
		{Key: "queue", Kind: schema.Int, Derived: "256 + 16 per worker", Reload: true},
		{Key: "queue_timeout", Kind: schema.Duration, Default: "10s", Reload: true},
		{Key: "underscore_fields", Kind: schema.List, Reload: true},
		{Key: "retry", Kind: schema.Choice, Choices: []string{"safe", "never"}, Default: "safe", Reload: true},
	}}
}

// Check finds numbers out of range.
func (q *Requests) Check(r *schema.Row) {
	if q.Prefetch > maxPrefetch {
		r.Bad("prefetch", "prefetch is %d; it is 0 to %d", q.Prefetch, maxPrefetch)
	}
}
