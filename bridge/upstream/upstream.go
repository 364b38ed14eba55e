package upstream

import (
	"sync"
	"sync/atomic"
	"time"
)

// Upstream is one server that requests of a route are forwarded to, with what is known of it. It outlives the Groups that
// a reload makes.
type Upstream struct {
	// Name is its address as configured, for logs.
	Name string
	// Scheme is "http", "https", or the name of a protocol that carries CGI variables.
	Scheme string
	// Host is the host of the URLs; it keeps connections to different servers apart.
	Host string

	inFlight atomic.Int64 // until the response has ended
	waiting  atomic.Int64 // of these, the ones whose response has not begun
	progress atomic.Int64 // when a response began, or the first of those that wait; nanoseconds of Unix time
	latency  latency
	counts   counts
	out      atomic.Int64 // no request until then; nanoseconds of Unix time; 0: it gets some. A copy from health

	slots atomic.Pointer[slots] // of the newest Group: who waits for the end of a request

	mu     sync.Mutex
	health health
	cause  string // why it is out
	check  *LastCheck
}

// counts never decrease.
type counts struct {
	requests  atomic.Int64
	failures  [causes]atomic.Int64
	retries   [causes]atomic.Int64
	ejections atomic.Int64
}

// State is whether an Upstream gets requests.
type State int

const (
	// Available: it gets its share.
	Available State = iota
	// Refusing: it has refused a connection, and is left out for 10 s.
	Refusing
	// Ejected: requests to it have failed, too many in a row.
	Ejected
	// Unhealthy: its checks fail.
	Unhealthy
)

func (s State) String() string {
	return [...]string{"available", "refusing", "ejected", "unhealthy"}[s]
}

// Cause is why a request has failed.
type Cause uint8

// The causes.
const (
	Connect Cause = iota // there was no connection; nothing was sent
	Lost                 // the connection broke, or what came was no response
	Timeout              // it took too long
	Status               // the response has a status that counts as a failure
	causes
)

func (c Cause) String() string { return [...]string{"connect", "error", "timeout", "status"}[c] }

// Causes are all of them.
func Causes() []Cause { return []Cause{Connect, Lost, Timeout, Status} }

// LastCheck is the outcome of an active check.
type LastCheck struct {
	At   time.Time
	Took time.Duration
	Err  string // empty: it has passed
}

// NewUpstream returns an Upstream that is in service since then; the zero time: always.
func NewUpstream(name, scheme, host string, since time.Time) *Upstream {
	return &Upstream{Name: name, Scheme: scheme, Host: host, health: health{since: since}}
}

// State returns the state at now.
func (u *Upstream) State(now time.Time) State {
	if u.isAvailable(now) {
		return Available
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	s, _ := u.health.state(now)
	return s
}

func (u *Upstream) isAvailable(now time.Time) bool { return u.out.Load() <= now.UnixNano() }

// SpeaksHTTP reports whether fields tell u who the client is; else CGI variables do.
func (u *Upstream) SpeaksHTTP() bool { return u.Scheme == "http" || u.Scheme == "https" }

// begin accounts for a request that is about to be sent.
func (u *Upstream) begin(now time.Time) {
	u.inFlight.Add(1)
	if u.waiting.Add(1) == 1 {
		u.progress.Store(now.UnixNano())
	}
	u.counts.requests.Add(1)
}

// headed accounts for the end of the wait for its response.
func (u *Upstream) headed(now time.Time) {
	u.progress.Store(now.UnixNano())
	u.waiting.Add(-1)
}

// End accounts for the end of a request that Walk.Next has begun: it takes no place any more.
func (u *Upstream) End() {
	u.inFlight.Add(-1)
	if s := u.slots.Load(); s != nil {
		s.free()
	}
}

// Busy is how many requests it has whose responses have not ended.
func (u *Upstream) Busy() int64 { return u.inFlight.Load() }

// since is when it came into service.
func (u *Upstream) since() time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.health.since
}

// delay is the time in seconds that a response is expected to take: the mean of the past, or the time for which requests
// have waited without any response, if that is longer; 0: it is not known. So an upstream that hangs looks slow at once.
func (u *Upstream) delay(now time.Time) float64 {
	return max(u.latency.value(), u.silence(now))
}

// silence is for how long requests have waited without any response, in seconds.
func (u *Upstream) silence(now time.Time) float64 {
	if u.waiting.Load() == 0 {
		return 0
	}
	return max(0, now.Sub(time.Unix(0, u.progress.Load())).Seconds())
}

// slower is delay where it is more than that of another upstream, which is lesser: what is known of the past counts less,
// the older it is.
func (u *Upstream) slower(lesser float64, now time.Time) float64 {
	return max(lesser+u.latency.excess(lesser, now), u.silence(now))
}

// Member is an Upstream as one Group uses it.
type Member struct {
	*Upstream
	// Transport sends requests to it.
	Transport Transport
	// Probe is an active check; nil: there is none.
	Probe Probe
	// Weight is its part of the requests; 0: 1.
	Weight int
	// MaxConns bounds the requests that it has at a time; 0: no limit.
	MaxConns int
	// Backup: it gets requests when fewer than half of the others are available.
	Backup bool
	// Down: it gets none.
	Down bool

	slowStart time.Duration
	share     float64 // Weight divided by the mean of all
}

// slowest is the part of its weight that an upstream has at the beginning of its slow start.
const slowest = 0.1

// weight is the weight at now: less while it starts slowly.
func (m *Member) weight(now time.Time) float64 {
	if m.slowStart == 0 {
		return float64(m.Weight)
	}
	return float64(m.Weight) * m.warm(now)
}

// warm is 1, or less during a slow start.
func (m *Member) warm(now time.Time) float64 {
	if m.slowStart == 0 {
		return 1
	}
	d := now.Sub(m.since())
	if d >= m.slowStart {
		return 1
	}
	return max(slowest, float64(d)/float64(m.slowStart))
}

// isFull reports whether it has as many requests as it may have.
func (m *Member) isFull() bool { return m.MaxConns > 0 && m.inFlight.Load() >= int64(m.MaxConns) }

// load is how many requests it has, in relation to its weight, and one more.
func (m *Member) load(now time.Time) float64 {
	return float64(m.inFlight.Load())/(m.share*m.warm(now)) + 1
}
