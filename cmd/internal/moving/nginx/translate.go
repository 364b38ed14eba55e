package nginx

import (
	"net"
	"path/filepath"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/compat"
	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// Input is what an import reads.
type Input struct {
	File string // as the user wrote it
	Dir  string // the current folder, absolute
	Out  string // the folder of standpipe.toml, absolute
}

// Import reads the file.
func Import(in Input) (*draft.Draft, error) {
	path := in.File
	if !filepath.IsAbs(path) {
		path = filepath.Join(in.Dir, path)
	}
	t := &translation{d: &draft.Draft{}, paths: draft.Paths{Base: filepath.Dir(path), Out: in.Out}, upstreams: map[string]*group{}, listens: map[string]*listen{}, zones: map[string]string{}, done: map[draft.Place][]string{}, absent: map[string]bool{}}
	t.limits = newLimits(t.d)
	t.gates = &gates{t: t}
	t.vars = &variables{maps: map[string]*mapped{}}
	r := &reader{prefix: filepath.Dir(path), absent: func(at draft.Place, name string) {
		t.d.Missing(at, "include "+name, "the file is not here; import it too, if it says something about a site")
	}}
	list, err := r.file(path, in.File)
	if err != nil {
		return nil, err
	}
	t.main(list)
	t.finish()
	return t.d, nil
}

type translation struct {
	d         *draft.Draft
	paths     draft.Paths
	upstreams map[string]*group
	listens   map[string]*listen
	order     []string // of listens
	places    []*place
	pairs     []pair
	limits    *limits
	zones     map[string]string // of caches: how long an answer stays that is not asked for
	gates     *gates
	scripts   string                   // the folder of the server's PHP; empty: it has none
	done      map[draft.Place][]string // directives that became a table of their own
	absent    map[string]bool          // folders that are not there, and told
	vars      *variables
	base      conditions   // of all that is read of this server
	cond      conditions   // of what is being read
	sites     []*webSite   // servers that are still to be read
	closed    []*webSite   // servers without an answer for other paths than those of their locations
	pages     []draft.Pair // of errors
	body      directive    // the client_max_body_size that counts
	inherited []directive  // fields that locations without their own have, if they are not one of a route's
	tails     int          // how many routes come behind all others of their server
	seq       int          // the number of the location that is being read
	servers   int          // without those that redirect to https alone
}

// listen is an address of one or several servers.
type listen struct {
	address                  string
	at                       draft.Place
	tls, proxyProtocol, noH2 bool
	redirects, serves        bool // a server there sends all to https; one has something of its own
	unix                     bool
}

// pair is a certificate with its key.
type pair struct {
	cert, key directive
}

// scope are the directives of a block, and those of the blocks around it.
type scope struct {
	list   []directive
	around *scope
}

// get is the directive that holds in the scope; not ok: there is none.
func (s *scope) get(name string) (directive, bool) {
	for ; s != nil; s = s.around {
		for i := len(s.list) - 1; i >= 0; i-- {
			if s.list[i].name == name {
				return s.list[i], true
			}
		}
	}
	return directive{}, false
}

// own is a directive of the block itself.
func (s *scope) own(name string) (directive, bool) { return (&scope{list: s.list}).get(name) }

// main reads the outermost block: of nginx.conf, or of a site's file, which stands in http.
func (t *translation) main(list []directive) {
	site := &scope{list: list}
	for _, d := range list {
		switch d.name {
		case "http":
			t.http(&scope{list: d.block})
			site = nil
		case "events":
		case "stream", "mail":
			t.d.Missing(d.at, d.name, "not yet: only HTTP is spoken")
		case "user":
			top := t.d.Table("")
			top.Set(d.at, "user", d.arg(0))
			if d.arg(1) != "" {
				top.Set(d.at, "group", d.arg(1))
			}
		case "server", "upstream", "map", "geo":
		default:
			if !t.general(d) && !structural[d.name] {
				t.none(d)
			}
		}
	}
	if site != nil {
		t.http(site)
	}
}

// http reads what stands around servers.
func (t *translation) http(s *scope) {
	for _, d := range s.list {
		if d.name == "upstream" {
			t.upstream(d)
		}
	}
	t.vars.read(s.list)
	t.limits.readZones(s.list)
	readCaches(t, s.list)
	t.limits.read(s, "/", nil)
	t.sites = sitesOf(t, s)
	for _, d := range s.list {
		switch d.name {
		case "server":
			for one := t.sites[0]; one != nil; one = one.also {
				readServer(t, one)
			}
			t.sites = t.sites[1:]
		case "upstream", "events", "user":
		default:
			leave(t, d)
		}
	}
	t.vars.tell(t, s.list)
}

// structural are directives that server, location and finish read where they need them.
var structural = func() map[string]bool {
	out := map[string]bool{}
	for _, name := range strings.Fields("map geo listen server_name root alias index try_files autoindex expires proxy_pass uwsgi_pass location ssl_certificate ssl_certificate_key http2 " +
		"proxy_read_timeout uwsgi_read_timeout proxy_connect_timeout uwsgi_connect_timeout proxy_send_timeout uwsgi_send_timeout proxy_request_buffering uwsgi_request_buffering internal limit_except " +
		"allow deny satisfy auth_basic auth_basic_user_file auth_request auth_request_set limit_req limit_req_zone limit_req_status limit_req_dry_run limit_conn limit_conn_zone limit_conn_status limit_conn_dry_run " +
		"fastcgi_pass fastcgi_param fastcgi_index fastcgi_split_path_info fastcgi_read_timeout fastcgi_connect_timeout fastcgi_send_timeout fastcgi_request_buffering proxy_buffering uwsgi_buffering fastcgi_buffering") {
		out[name] = true
	}
	for _, kind := range []string{"proxy_", "uwsgi_", "fastcgi_"} {
		for _, name := range strings.Fields("cache cache_path cache_valid cache_key cache_bypass cache_use_stale no_cache") {
			out[kind+name] = true
		}
	}
	return out
}()

// listen reads an address.
func (t *translation) listen(d directive) []*listen {
	text := d.arg(0)
	address := text
	switch {
	case strings.HasPrefix(text, "unix:"):
	case strings.Trim(text, "0123456789") == "":
		address = ":" + text
	case strings.HasPrefix(text, "*:"):
		address = text[1:]
	case strings.HasPrefix(text, "[::]:"):
		address = strings.TrimPrefix(text, "[::]") // with the IPv4 addresses, as nginx's pair of lines
	case !strings.Contains(text, ":") || strings.HasSuffix(text, "]"):
		address = net.JoinHostPort(strings.Trim(text, "[]"), "80")
	}
	if host, port, err := net.SplitHostPort(address); err == nil && host == "0.0.0.0" {
		address = ":" + port
	}
	if strings.Contains(address, "$") || slices.Contains(d.args, "quic") {
		t.d.Missing(d.at, d.String(), "not yet: HTTP/1.1 and HTTP/2 are spoken, at fixed addresses")
		return nil
	}
	l := t.listens[address]
	if l == nil {
		l = &listen{address: address, at: d.at, unix: strings.HasPrefix(address, "unix:")}
		t.listens[address] = l
		t.order = append(t.order, address)
	}
	l.tls = l.tls || slices.Contains(d.args, "ssl") || strings.HasSuffix(address, ":443")
	l.proxyProtocol = l.proxyProtocol || slices.Contains(d.args, "proxy_protocol")
	return []*listen{l}
}

// certificate collects the certificates of a server.
func (t *translation) certificate(s *scope) {
	var certs, keys []directive
	for _, d := range s.list {
		switch d.name {
		case "ssl_certificate":
			certs = append(certs, d)
		case "ssl_certificate_key":
			keys = append(keys, d)
		}
	}
	for i, c := range certs {
		if i < len(keys) && !slices.ContainsFunc(t.pairs, func(p pair) bool { return p.cert.arg(0) == c.arg(0) }) {
			t.pairs = append(t.pairs, pair{c, keys[i]})
		}
	}
}

// sentAnyway reports whether an upstream gets what a field of this name is set for without a setting.
func sentAnyway(field string) bool {
	switch strings.ToLower(field) {
	case "host", "connection", "upgrade", "x-request-id", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host":
		return true
	}
	return false
}

// leave names a directive around locations, unless it is read. One that locations inherit is named at the end, if it went nowhere.
func leave(t *translation, d directive) {
	switch {
	case t.general(d) || structural[d.name]:
	case slices.Contains(ofFields, d.name):
		t.inherited = append(t.inherited, d)
	default:
		t.none(d)
	}
}

// none names a directive that has no equivalent.
func (t *translation) none(d directive) {
	if slices.Contains(t.done[d.at], d.String()) {
		return
	}
	state, message, known := compat.Nginx(d.name)
	what := d.String()
	switch d.name { // what follows is the same for all of them
	case "proxy_set_header", "uwsgi_param", "fastcgi_param", "types", "map", "geo", "if", "ssl_ciphers", "log_format", "gzip_types":
		what = strings.TrimSpace(d.name + " " + d.arg(0))
	}
	switch {
	case d.name == "proxy_set_header" && strings.EqualFold(d.arg(0), "X-Request-Start"):
		t.d.Table("").Set(d.at, "request_start", true)
		return
	case d.name == "proxy_set_header" && strings.EqualFold(d.arg(0), "X-Forwarded-Port"):
		message = "not yet: Host and X-Forwarded-Host have the port where it is not the scheme's own"
	case d.name == "proxy_set_header" && (strings.EqualFold(d.arg(0), "Upgrade") || strings.EqualFold(d.arg(0), "Connection")):
		message = "not needed: WebSocket passes by itself, and connections to upstreams are kept"
	case d.name == "proxy_set_header" && sentAnyway(d.arg(0)):
		message = "not needed: an upstream gets Host, X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host by itself"
	case !known:
		message = "this directive is not known here"
	case state == compat.NotNeeded || state == compat.NotYet:
		message = string(state) + ": " + message
	}
	t.d.Missing(d.at, short(what), "%s", message)
}

func short(s string) string {
	if r := []rune(s); len(r) > 70 {
		return string(r[:70]) + "..."
	}
	return s
}
