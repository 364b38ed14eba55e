package proxy

import (
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/spool"
	"github.com/standpipe/standpipe/bridge/upstream"
)

// Options are one route's settings.
type Options struct {
	// Path is the route's: "" or "/legacy", without a slash at the end. Strip: an
	// upstream does not see it in the path.
	Path  string
	Strip bool
	// Group are the upstreams. Its maker starts and stops it.
	Group *upstream.Group
	// Key makes the keys of the Group's policy; nil: it has none.
	Key Key
	// Sticky is the cookie by which a client names an upstream, in place of Key; nil: it does not.
	Sticky *upstream.Cookie
	// RetryOn are the failures after which another upstream may be asked, where the request allows it.
	RetryOn RetryOn
	// Tries is how many upstreams one request may be sent to; 0: all.
	Tries int
	// FullTimeout is how long a request waits where all upstreams have max_conns requests; 0: not at all.
	FullTimeout time.Duration
	// Upgrades are the protocols that a client may change to; nil: websocket.
	Upgrades []string
	// SendProxy: the upstreams' Dialers send a PROXY header, which names the client.
	SendProxy bool
	// Spool holds request bodies; nil: one of its own with the defaults.
	Spool *spool.Spool
	// Answers holds what slow clients have not taken of responses; nil: some of its own with the defaults, and files beside
	// those of Spool.
	Answers *spool.Pipes
	// Straight: an upstream waits for its client instead.
	Straight bool
	// Unbuffered: a request body is forwarded while it comes, if its length is known or
	// all upstreams speak HTTP.
	Unbuffered bool
	// MaxBody bounds a request body in bytes; 0: no limit.
	MaxBody int64
	// BodyPace is how slow a client may be with its body.
	BodyPace httpx.Pace
	// ReadTimeout is how long an upstream may be silent within its response; 0: no limit.
	ReadTimeout time.Duration
	// Pages are the error pages; nil: the built-in ones.
	Pages *httpx.Pages
	// Log gets upstream_failed, upstream_retried, upstream_full, retry_budget, protocol_refused, answer_spool and field_dropped; nil: no log.
	Log hclog.Logger
}

// stripped is what is cut off the path; empty: nothing.
func (o *Options) stripped() string {
	if !o.Strip {
		return ""
	}
	return o.Path
}

// Handler is one route.
type Handler struct {
	Options
	exhausted httpx.LogLimiter // retry_budget
	unspooled httpx.LogLimiter // answer_spool
	unchanged httpx.LogLimiter // protocol_refused
	oddFields httpx.LogLimiter // field_dropped, by field; once for ever
}

// New makes a route's Handler.
func New(o Options) *Handler {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	if o.Spool == nil {
		o.Spool = &spool.Spool{}
	}
	if o.Answers == nil {
		o.Answers = &spool.Pipes{Spool: o.Spool, Memory: 256 << 10, Total: 64 << 20, Max: 256 << 20}
	}
	if o.Upgrades == nil {
		o.Upgrades = []string{"websocket"}
	}
	o.Path = strings.TrimRight(o.Path, "/")
	return &Handler{Options: o, exhausted: httpx.LogLimiter{Every: time.Minute}, unspooled: httpx.LogLimiter{Every: time.Minute}, unchanged: httpx.LogLimiter{Every: time.Minute}}
}

// buffers are what responses are copied through.
type buffers struct{ pool sync.Pool }

const copySize = 32 << 10 // bytes

var copies buffers

func (b *buffers) Get() *[copySize]byte {
	if p, ok := b.pool.Get().(*[copySize]byte); ok {
		return p
	}
	return new([copySize]byte)
}

func (b *buffers) Put(p *[copySize]byte) { b.pool.Put(p) }
