package nginx

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/limit"
	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// zone is a limit_req_zone or a limit_conn_zone.
type zone struct {
	key  []string
	rate string // empty: a limit_conn_zone
	at   draft.Place
}

// limits makes [[limit]].
type limits struct {
	d     *draft.Draft
	zones map[string]zone
	list  []*limited
	names map[string]bool
}

func newLimits(d *draft.Draft) *limits {
	return &limits{d: d, zones: map[string]zone{}, names: map[string]bool{}}
}

// limited is a [[limit]] that is being made.
type limited struct {
	table *draft.Table
	zone  string
	path  string
	hosts []string
}

// readZones reads those of http. One that cannot be translated is told, and so is each use of it.
func (l *limits) readZones(list []directive) {
	for _, d := range list {
		if d.name != "limit_req_zone" && d.name != "limit_conn_zone" {
			continue
		}
		z := zone{at: d.at}
		name := ""
		for _, a := range d.args[min(1, len(d.args)):] {
			if v, ok := strings.CutPrefix(a, "zone="); ok {
				name, _, _ = strings.Cut(v, ":")
			}
			if v, ok := strings.CutPrefix(a, "rate="); ok {
				if count, per, err := limit.ParseRate(v); err == nil {
					z.rate = limit.FormatRate(count, per)
				}
			}
		}
		var left string
		z.key, left = keyOf(d.arg(0))
		switch {
		case left != "":
			l.d.Missing(d.at, d.String(), "%s is no key of a [[limit]]; it has client, path, app, header:NAME and cookie:NAME", left)
		case name == "" || d.name == "limit_req_zone" && z.rate == "":
			l.d.Missing(d.at, d.String(), "the zone or the rate cannot be read")
		default:
			l.zones[name] = z
		}
	}
}

// keyOf reads the variables of a key. left is what is not known.
func keyOf(text string) (key []string, left string) {
	for part := range strings.SplitSeq(text, "$") {
		name := strings.Trim(part, "{}:|-_ ")
		if name == "" {
			continue
		}
		word := ""
		switch {
		case name == "binary_remote_addr" || name == "remote_addr" || name == "realip_remote_addr":
			word = "client"
		case name == "uri" || name == "request_uri" || name == "document_uri":
			word = "path"
		case strings.HasPrefix(name, "http_") && name != "http_host":
			word = "header:" + strings.ReplaceAll(strings.TrimPrefix(name, "http_"), "_", "-")
		case strings.HasPrefix(name, "cookie_"):
			word = "cookie:" + strings.TrimPrefix(name, "cookie_")
		default:
			return nil, "$" + name
		}
		if !slices.Contains(key, word) {
			key = append(key, word)
		}
	}
	if _, err := limit.ParseKey(key); err != nil {
		return nil, text
	}
	return key, ""
}

// read reads the limits of a block itself.
func (l *limits) read(s *scope, path string, hosts []string) {
	for _, d := range s.list {
		switch d.name {
		case "limit_req":
			l.rate(s, d, path, hosts)
		case "limit_conn":
			l.running(s, d, path, hosts)
		}
	}
}

func (l *limits) rate(s *scope, d directive, path string, hosts []string) {
	name, burst, delay, nodelay := "", 0, 0, false
	for _, a := range d.args {
		key, v, _ := strings.Cut(a, "=")
		n, _ := strconv.Atoi(v)
		switch key {
		case "zone":
			name = v
		case "burst":
			burst = n
		case "delay":
			delay = n
		case "nodelay":
			nodelay = true
		}
	}
	z, ok := l.zones[name]
	if !ok || z.rate == "" {
		l.d.Missing(d.at, d.String(), "its limit_req_zone is not here; a [[limit]] has `rate` and `burst`")
		return
	}
	table := l.begin(s, d, z, name, path, hosts)
	if table == nil {
		return
	}
	table.Set(z.at, "rate", z.rate)
	if nodelay {
		delay = burst
	}
	delay = min(delay, burst)
	if delay > 0 {
		table.Set(d.at, "burst", delay)
	}
	wait := burst - delay
	if count, per, err := limit.ParseRate(z.rate); err == nil && wait > longestWait*count/int(per/time.Second) {
		wait = longestWait * count / int(per/time.Second)
		l.d.Missing(d.at, d.String(), "no request waits longer than a minute here: `delay` is lower than burst")
	}
	if wait > 0 {
		table.Set(d.at, "delay", wait)
	}
}

// longestWait is how long a request may wait for a rate, in seconds.
const longestWait = 60

func (l *limits) running(s *scope, d directive, path string, hosts []string) {
	z, ok := l.zones[d.arg(0)]
	n, err := strconv.Atoi(d.arg(1))
	if !ok || err != nil || n < 1 {
		l.d.Missing(d.at, d.String(), "its limit_conn_zone is not here; a [[limit]] has `concurrency`")
		return
	}
	if table := l.begin(s, d, z, d.arg(0), path, hosts); table != nil {
		table.Set(d.at, "concurrency", n)
	}
}

// begin begins a [[limit]]; nil: it is there, of the same site at another address.
func (l *limits) begin(s *scope, d directive, z zone, name, path string, hosts []string) *draft.Table {
	for _, one := range l.list {
		if one.zone == d.name+" "+name && one.path == path && slices.Equal(one.hosts, hosts) {
			return nil
		}
	}
	table := &draft.Table{}
	table.Set(d.at, "name", l.name(name))
	table.Set(z.at, "key", z.key)
	if path != "/" {
		table.Set(d.at, "path", path)
	}
	if len(hosts) > 0 {
		table.Set(draft.Place{}, "hosts", hosts)
	}
	status := directive{args: []string{"503"}, at: d.at}
	if own, ok := s.get(d.name + "_status"); ok {
		status = own
	}
	switch status.arg(0) {
	case "429":
	case "503":
		table.Set(status.at, "status", "503")
	default:
		l.d.Missing(status.at, status.String(), "a [[limit]] answers 429 or 503")
	}
	if dry, ok := s.get(d.name + "_dry_run"); ok && dry.arg(0) == "on" {
		table.Set(dry.at, "dry_run", true)
	}
	if s.around != nil {
		if _, outer := s.around.get(d.name); outer {
			table.Remark("The limit of the block around it counts these requests too; in nginx it does not.")
		}
	}
	l.list = append(l.list, &limited{table, d.name + " " + name, path, hosts})
	return table
}

// name is a name that no other limit has. A zone that several blocks use is several limits, which count apart.
func (l *limits) name(zone string) string {
	base := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' {
			return c
		}
		return '-'
	}, zone)
	name := base
	for n := 2; l.names[name]; n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	l.names[name] = true
	return name
}

// write puts them into the file. servers is how many there are.
func (l *limits) write(servers int) {
	for _, one := range l.list {
		if servers == 1 { // it answers for all hosts, whatever its names are
			one.table.Unset("hosts")
		}
		l.d.Insert("[[limit]]", one.table)
	}
}
