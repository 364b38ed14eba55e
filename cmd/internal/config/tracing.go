package config

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Tracing says where spans of requests go, and what requests and responses say of the time.
type Tracing struct {
	To         string   `key:"trace_to"` // the collector's URL; empty: traces are off
	Sample     float64  // of the traces that begin here, from 0 to 1
	Parents    string   `key:"trace_parents"` // all, trusted
	Fields     []string // name, value, ... of each message
	Service    string   `key:"trace_service"`
	Attributes []string // name, value, ... of the service

	ServerTiming bool `key:"server_timing"` // responses have Server-Timing
	RequestStart bool `key:"request_start"` // apps and upstreams get X-Request-Start
}

// Settings are those of [trace].
func (*Tracing) Settings() schema.Group {
	return schema.Group{Key: "trace", Settings: []schema.Setting{
		{Key: "trace_to", Kind: schema.Text, Hint: "URL", Derived: "none: traces are off", Reload: true,
			Show: schema.Show(func(t *Tracing) (string, bool) { return Masked("trace_to", t.To), t.To != "" })},
		{Key: "trace_sample", Kind: schema.Text, Hint: "PART", Default: "1", Reload: true,
			Set: schema.Set(setSample), Show: schema.Show(func(t *Tracing) (string, bool) { return strconv.FormatFloat(t.Sample, 'f', -1, 64), true })},
		{Key: "trace_parents", Kind: schema.Choice, Choices: []string{"all", "trusted"}, Default: "all", Reload: true},
		{Key: "trace_fields", Kind: schema.Pairs, NoFlag: true, Derived: "none", Reload: true,
			Set: schema.Set(setTraceFields), Show: schema.Show(func(t *Tracing) (string, bool) { // a value is a key, or says what to do with one
				var out []string
				for pair := range slices.Chunk(t.Fields, 2) {
					out = append(out, pair[0]+"="+mask)
				}
				return strings.Join(out, "; "), len(out) > 0
			})},
		{Key: "trace_service", Kind: schema.Text, Default: "standpipe", Reload: true},
		{Key: "trace_attributes", Kind: schema.Pairs, Derived: "none", Reload: true,
			Set: schema.Set(setAttributes), Show: schema.Show(func(t *Tracing) (string, bool) {
				var out []string
				for pair := range slices.Chunk(t.Attributes, 2) {
					out = append(out, pair[0]+"="+pair[1])
				}
				return strings.Join(out, "; "), len(out) > 0
			})},
		{Key: "server_timing", Kind: schema.Switch, Default: "off", Reload: true},
		{Key: "request_start", Kind: schema.Switch, Default: "off", Reload: true},
	}}
}

// setSample reads "0.01" or "1%".
func setSample(t *Tracing, in schema.Input) error {
	v := strings.TrimSpace(in.Last())
	digits, percent := strings.CutSuffix(v, "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if percent {
		f /= 100
	}
	if err != nil || !(f >= 0 && f <= 1) || strings.ContainsAny(digits, "xXpP_") {
		return fmt.Errorf("%q is no part of all requests; write 0.01 or 1%%, and 1 for all", v)
	}
	t.Sample = f
	return nil
}

// ownTraceFields are those that each message has anyway.
var ownTraceFields = []string{"Content-Type", "Content-Encoding", "Content-Length", "Transfer-Encoding", "Connection", "Expect", "Trailer", "Upgrade", "User-Agent", "Accept-Encoding"}

func setTraceFields(t *Tracing, in schema.Input) error {
	t.Fields = nil
	for _, v := range in.List() {
		name, value, ok := strings.Cut(v, "=")
		switch name = strings.TrimSpace(name); {
		case !ok || !isToken(name): // v may be a secret alone
			return errors.New("one of the pairs is not NAME=VALUE; write trace_fields = { X-Api-Key = \"...\" }")
		case value == "" || strings.TrimSpace(value) != value || strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }):
			return fmt.Errorf("the value of %s is empty, or has a control character or spaces around it", name)
		case slices.Contains(ownTraceFields, http.CanonicalHeaderKey(name)):
			return fmt.Errorf("%s is a field that standpipe writes itself", name)
		}
		t.Fields = append(t.Fields, name, value)
	}
	return nil
}

func setAttributes(t *Tracing, in schema.Input) error {
	t.Attributes = nil
	for _, v := range in.List() {
		name, value, ok := strings.Cut(v, "=")
		switch {
		case !ok || name == "" || value == "":
			return fmt.Errorf("%q is not NAME=VALUE, as deployment.environment.name=production", v)
		case name == "service.name":
			return errors.New("service.name is what trace_service sets")
		}
		t.Attributes = append(t.Attributes, name, value)
	}
	return nil
}

// Check finds a collector that there cannot be, and a secret that others could read.
func (t *Tracing) Check(r *schema.Row) {
	if t.To == "" {
		for _, key := range []string{"trace_sample", "trace_parents", "trace_fields", "trace_service", "trace_attributes"} {
			if r.Given(key) && !r.Unsure("trace_to") {
				r.Bad(key, "%s is set, and trace_to is not: write trace_to = \"http://127.0.0.1:4318\"", key)
				return
			}
		}
		return
	}
	if t.Service == "" {
		r.Bad("trace_service", "trace_service is empty; leave it out for \"standpipe\"")
	}
	if _, err := t.Endpoint(); err != nil {
		r.Bad("trace_to", "trace_to: %v", err)
	}
}

// Endpoint is where spans are posted to: the path of OTLP is added, unless the URL names that of traces itself.
func (t *Tracing) Endpoint() (*url.URL, error) {
	u, err := url.Parse(t.To)
	if err != nil {
		return nil, errors.New("it is not a URL, such as http://127.0.0.1:4318")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q is not the URL of a collector, such as http://127.0.0.1:4318", u.Redacted())
	}
	if u.Port() == "4317" {
		return nil, fmt.Errorf("%q has the port of OTLP over gRPC; that of OTLP over HTTP, which is spoken here, is 4318", u.Redacted())
	}
	if !strings.HasSuffix(u.Path, "/traces") {
		u = u.JoinPath("v1", "traces")
	}
	return u, nil
}

// derive warns of a secret that others can read.
func (t *Tracing) derive(l *loader) {
	u, err := t.Endpoint()
	if t.To != "" && err == nil && u.Scheme == "http" && (len(t.Fields) > 0 || u.User != nil) && !isLoopbackHost(u.Hostname()) {
		l.warn("trace_to is http://, so everyone on the way to %s can read trace_fields or the password; write https://", u.Host)
	}
}

func isLoopbackHost(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}
