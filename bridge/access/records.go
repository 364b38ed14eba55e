package access

import (
	"cmp"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Records writes the records of what is refused, and counts. It outlives reloads, so that no count decreases.
type Records struct {
	log   hclog.Logger
	limit httpx.LogLimiter // access_denied, by address and rule

	mu     sync.Mutex
	counts map[[2]string]*atomic.Int64 // by table and rule
}

// NewRecords returns Records that write to log.
func NewRecords(log hclog.Logger) *Records {
	return &Records{log: log, limit: httpx.LogLimiter{Every: time.Minute}, counts: map[[2]string]*atomic.Int64{}}
}

// Count is how often a rule has refused.
type Count struct {
	Table   string `json:"table"` // "" of the deny list
	Rule    string `json:"rule"`
	Refused int64  `json:"refused"`
}

// Counts lists the rules that have refused.
func (s *Records) Counts() []Count {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Count, 0, len(s.counts))
	for key, n := range s.counts {
		list = append(list, Count{key[0], key[1], n.Load()})
	}
	slices.SortFunc(list, func(a, b Count) int { return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Rule, b.Rule)) })
	return list
}

func (s *Records) count(table, kind string) {
	s.mu.Lock()
	n := s.counts[[2]string{table, kind}]
	if n == nil {
		n = new(atomic.Int64)
		s.counts[[2]string{table, kind}] = n
	}
	s.mu.Unlock()
	n.Add(1)
}

// request records a request that is refused.
func (s *Records) request(table string, x *refusal, n *httpx.RequestInfo, r *http.Request) {
	v := x.verdict
	s.count(table, v.Kind)
	client := cmp.Or(n.RemoteAddr, "unix")
	key := client + " " + v.Rule
	if x.err != nil {
		key = v.Rule
	}
	if x.quiet || !s.limit.Allow(key, time.Now()) {
		return
	}
	pairs := []any{"client", client, "rule", v.Rule, "table", table, "id", n.ID, "method", r.Method, "host", r.Host, "target", r.RequestURI}
	switch {
	case x.err != nil:
		s.log.Error("forward_auth_failed", append(pairs, "error", x.err, "message", "a request was answered "+strconv.Itoa(x.status)+": "+v.Rule+": "+x.err.Error()+" (logged once a minute for each service)")...)
	case x.user != "":
		s.log.Warn("auth_failed", append(pairs, "user", x.user, "message", "a password of "+client+" was wrong (logged once a minute for each address)")...)
	default:
		s.log.Info("access_denied", append(pairs, "message", "a request of "+client+" was refused: "+v.Rule+" (logged once a minute for each address and rule)")...)
	}
}

// connection records a connection that is closed at once.
func (s *Records) connection(table string, v Verdict, a netip.Addr) {
	s.count(table, v.Kind)
	if client := a.String(); s.limit.Allow(client+" "+v.Rule, time.Now()) {
		s.log.Info("access_denied", "client", client, "rule", v.Rule, "table", table,
			"message", "a connection of "+client+" was closed: "+v.Rule+" (logged once a minute for each address and rule)")
	}
}
