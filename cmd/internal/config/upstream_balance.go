package config

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// maxUpstreams of one route.
const maxUpstreams = 64

// Balance is how a route shares its requests among other servers. Its keys are the route's.
type Balance struct {
	Upstreams []Upstream // the short form of Servers
	Servers   []Server   // [[route.upstream]]
	Health    Health     // [route.health]
	Find      Find

	Policy       Policy
	StickyCookie string        `key:"sticky_cookie"`
	StickySecret string        `key:"sticky_secret"` // empty: random
	SlowStart    time.Duration `key:"slow_start"`    // until an upstream has its whole share; 0: at once
	MaxFails     int           `key:"max_fails"`     // in a row, until it is ejected; 0: never
	EjectTime    time.Duration `key:"eject_time"`
	RetryOn      []string      `key:"retry_on"` // "error", "timeout", "500", ...
	Tries        int           `key:"tries"`    // 0: all upstreams
	RetryBudget  int           `key:"retry_budget"`
}

// Policy says which upstream gets a request.
type Policy struct {
	Kind string // "p2c", "round_robin", "least_conn", "ip_hash", "hash" or "sticky"
	By   string // of "hash": "field", "cookie" or "uri"
	Name string // of the field or cookie
}

// String is the policy as one would write it.
func (p Policy) String() string {
	switch {
	case p.Kind != "hash":
		return p.Kind
	case p.Name == "":
		return "hash:" + p.By
	}
	return "hash:" + p.By + ":" + p.Name
}

// IsHash reports whether a key of the request alone decides.
func (p Policy) IsHash() bool { return p.Kind == "hash" || p.Kind == "ip_hash" }

// retryWords are those of retry_on that are no statuses.
var retryWords = []string{"error", "timeout"}

// Settings are those of [[route]] that are about several upstreams.
func (*Balance) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "upstreams", Kind: schema.List, Reload: true, Derived: "those of [[route.upstream]]", Set: schema.Set(setUpstreams), Show: schema.Show(showUpstreams)},
		{Key: "balance", Kind: schema.Text, Default: "p2c", Reload: true, Hint: "POLICY",
			Set: schema.Set(func(b *Balance, in schema.Input) (err error) {
				b.Policy, err = parsePolicy(in.Last())
				return err
			}), Show: schema.Show(func(b *Balance) (string, bool) { return b.Policy.String(), true })},
		{Key: "sticky_cookie", Kind: schema.Text, Default: "standpipe_upstream", Reload: true},
		{Key: "sticky_secret", Kind: schema.Text, Reload: true, Derived: "random, made by each start",
			Show: schema.Show(func(b *Balance) (string, bool) { return Masked("secret", b.StickySecret), b.StickySecret != "" })},
		{Key: "slow_start", Kind: schema.Duration, Default: "0", Reload: true},
		{Key: "max_fails", Kind: schema.Int, Default: "5", Reload: true},
		{Key: "eject_time", Kind: schema.Duration, Default: "30s", Reload: true},
		{Key: "retry_on", Kind: schema.List, Default: "error,timeout", Reload: true},
		{Key: "tries", Kind: schema.Int, Default: "3", Reload: true},
		{Key: "retry_budget", Kind: schema.Int, Default: "20", Reload: true},
	}}
}

func setUpstreams(b *Balance, in schema.Input) error {
	b.Upstreams = nil
	for _, v := range in.List() {
		u, err := ParseUpstream(v, in.Base)
		if err != nil {
			return err
		}
		b.Upstreams = append(b.Upstreams, u)
	}
	return nil
}

func showUpstreams(b *Balance) (string, bool) {
	out := make([]string, len(b.Upstreams))
	for i, u := range b.Upstreams {
		out[i] = u.String()
	}
	return strings.Join(out, ","), len(b.Servers) == 0
}

// parsePolicy reads a value of balance. The error is the end of a sentence.
func parsePolicy(text string) (Policy, error) {
	kind, rest, more := strings.Cut(text, ":")
	switch {
	case !more && slices.Contains([]string{"p2c", "round_robin", "least_conn", "ip_hash", "sticky"}, kind):
		return Policy{Kind: kind}, nil
	case kind != "hash":
		return Policy{}, fmt.Errorf("%q is not one of p2c, round_robin, least_conn, ip_hash, hash:uri, hash:field:NAME, hash:cookie:NAME, sticky", text)
	}
	by, name, named := strings.Cut(rest, ":")
	switch {
	case by == "uri" && !named:
	case (by == "field" || by == "cookie") && isToken(name):
	default:
		return Policy{}, fmt.Errorf("%q is not hash:uri, hash:field:NAME or hash:cookie:NAME", text)
	}
	if by == "field" {
		name = http.CanonicalHeaderKey(name)
	}
	return Policy{kind, by, name}, nil
}

// All are the upstreams, whichever form they are written in, and those of the file.
func (b *Balance) All() []Server { return b.With(b.Find.listed) }

// With is All with other ones in place of those of the file.
func (b *Balance) With(listed []Server) []Server {
	list := slices.Clone(b.Servers)
	for _, u := range b.Upstreams {
		list = append(list, Server{At: u, Weight: 1})
	}
	return append(list, listed...)
}

// Retries are the causes in retry_on: words, and the statuses.
func (b *Balance) Retries() (onError, onTimeout bool, statuses []int) {
	for _, v := range b.RetryOn {
		if n, err := strconv.Atoi(v); err == nil {
			statuses = append(statuses, n)
		}
	}
	return slices.Contains(b.RetryOn, "error"), slices.Contains(b.RetryOn, "timeout"), statuses
}

// Check finds mistakes in the values.
func (b *Balance) Check(row *schema.Row) {
	b.checkList(row)
	for _, v := range b.RetryOn {
		if n, err := strconv.Atoi(v); !slices.Contains(retryWords, v) && (err != nil || n < 400 || n > 599) {
			row.Bad("retry_on", "retry_on: %q is not error, timeout or a status of 400 to 599", v)
		}
	}
	sure := !row.Unsure("balance")
	if b.RetryBudget > 100 {
		row.Bad("retry_budget", "retry_budget is %d; it is a part of the requests in percent, 0 to 100", b.RetryBudget)
	}
	if sure && b.SlowStart > 0 && b.Policy.IsHash() {
		row.Bad("slow_start", "slow_start has no effect with balance = %q, where the request alone decides; leave one of them out", b.Policy)
	}
	if sure && b.StickySecret != "" && b.Policy.Kind != "sticky" {
		row.Bad("sticky_secret", "sticky_secret is for balance = \"sticky\"; leave it out, or set that")
	}
	if b.EjectTime == 0 && b.MaxFails > 0 {
		row.Bad("eject_time", "eject_time is 0, so an ejection would end at once; write 30s, or max_fails = 0 for no ejections")
	}
	if !isToken(b.StickyCookie) {
		row.Bad("sticky_cookie", "sticky_cookie %q is not the name of a cookie", b.StickyCookie)
	}
	if n := len(b.StickySecret); n > 0 && n < 16 {
		row.Bad("sticky_secret", "sticky_secret has %d characters; take 16 or more, such as those that `openssl rand -hex 32` prints", n)
	}
}

// checkList finds mistakes in the list of upstreams as a whole.
func (b *Balance) checkList(row *schema.Row) {
	if len(b.Servers) > 0 && len(b.Upstreams) > 0 {
		row.Bad("upstreams", "upstreams and [[route.upstream]] are two forms of one list; leave one of them out")
		return
	}
	if row.Given("upstreams") && len(b.Upstreams) == 0 && len(b.Servers) == 0 {
		row.Bad("upstreams", "upstreams is empty; name at least one")
	}
	list := b.All()
	if n := len(list); n > maxUpstreams {
		row.Bad("upstreams", "upstreams has %d addresses; at most %d are possible", n, maxUpstreams)
	}
	inUse := 0
	for i, s := range list {
		if s.At.Address == "" {
			return // a problem says so already
		}
		if slices.ContainsFunc(list[:i], func(o Server) bool { return o.At == s.At }) {
			b.badAddress(row, i, "duplicate %s; leave one of them out", s.At)
		}
		if !s.Down && !s.Backup {
			inUse++
		}
	}
	if inUse == 0 && len(b.Servers) > 0 && b.Find.File == "" {
		row.Other(row.Path + ".upstream.0").BadRow("[[route.upstream]] every upstream is a backup or down; leave one that is neither")
	}
}

// badAddress adds a problem with an address of the list.
func (b *Balance) badAddress(row *schema.Row, i int, format string, args ...any) {
	if i >= len(b.Servers)+len(b.Upstreams) {
		row.Other(row.Path).Bad("upstreams_file", "[[route]] upstreams_file: "+format, args...)
	} else if len(b.Servers) > 0 {
		row.Other(fmt.Sprintf("%s.upstream.%d", row.Path, i)).Bad("address", "[[route.upstream]] address: "+format, args...)
	} else {
		row.Other(row.Path).Bad("upstreams", "[[route]] upstreams: "+format, args...)
	}
}
