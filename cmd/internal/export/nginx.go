package export

import (
	"fmt"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// nginx writes a file for conf.d: the upstream, the maps that the server needs, the server.
func nginx(p *page, f *File) {
	p.textf(`
# nginx in front of standpipe. Made by "standpipe export nginx" from %[1]s.
#
# It stands inside http {}: put it into /etc/nginx/conf.d/%[2]s.conf, then
#   nginx -t && systemctl reload nginx

`, f.Source, f.Name)
	nginxUpstream(p, f)
	nginxMaps(p, f)
	p.text(`

server {
`)
	nginxServer(p, f)
	nginxLeft(p, f)
	for i, place := range f.Static {
		nginxStatic(p, f, i, place)
	}
	if len(f.Static) == 0 {
		nginxNoStatic(p, f)
	}
	p.text(`

    location / {
`)
	if f.Speaks == "uwsgi" {
		nginxUwsgi(p, f)
	} else {
		nginxProxy(p, f)
	}
	p.text(`
    }
}
`)
}

func nginxUpstream(p *page, f *File) {
	p.line("upstream standpipe_%s {", f.Name)
	if f.Unix == "" {
		p.line("    server %s;", f.TCP)
	} else {
		p.line("    server unix:%s;", f.Unix)
		if f.Speaks == "uwsgi" {
			p.text(`
    # Over a unix socket nginx cannot tell an answer that was cut off from a whole one, unless it has a
    # Content-Length. Over TCP (standpipe serve -b uwsgi://127.0.0.1:3031) it can.
`)
		}
	}
	if f.Speaks == "http" {
		closes := "never"
		if f.Idle != 0 {
			closes = "after " + schema.FormatDuration(f.Idle) + " without a request"
		}
		p.textf(`
    # Kept connections. standpipe closes one %s; nginx must do so before.
    keepalive 32;
    keepalive_timeout %s;
`, closes, nginxTime(f.keepIdle()))
	}
	p.line("}")
}

// nginxMaps writes the variables that the server uses: Connection for WebSocket, Cache-Control for folders with rules.
func nginxMaps(p *page, f *File) {
	if f.Routes && f.Speaks == "http" {
		p.textf(`

# WebSocket, for what standpipe hands on to other servers.
map $http_upgrade $standpipe_%s_connection {
    ""      "";
    default upgrade;
}
`, f.variablePart())
	}
	for i, place := range f.Static {
		if len(place.Rules) == 0 {
			continue
		}
		p.textf(`

# cache_control of %s; the first that fits counts.
map "$uri|$sent_http_content_type" %s {
    default "no-cache";
`, place.URL, nginxCache(f, i))
		for _, rule := range place.Rules {
			p.line("    %s %s;", quoteText(rule.forMap()), quoteText(rule.Value))
		}
		p.line("}")
	}
}

func nginxServer(p *page, f *File) {
	names := "_"
	if len(f.Names) > 0 {
		names = strings.Join(f.Names, " ")
	}
	p.textf(`
    listen %s;
    server_name %s;

    # Redirects to a folder's slash keep the client's host and port.
    absolute_redirect off;

    # As standpipe's own limits; nginx's default for bodies is 1m.
    client_max_body_size %s;
    client_header_timeout %s;
    client_body_timeout %s;
    keepalive_timeout %s;
    # Request line and fields: each fits into one of these, all of them into max_head.
`, f.Listen, names, nginxSize(f.MaxBody), nginxTime(f.HeaderTimeout), nginxTime(f.BodyTimeout), nginxTime(f.Idle))
	if f.Speaks == "uwsgi" {
		p.line("    # All variables of a request together have 64 KiB of room in the uwsgi protocol.")
	}
	p.line("    large_client_header_buffers 4 %s;", nginxSize(f.MaxHead))
}

// nginxLeft names the folders that nginx does not serve by itself.
func nginxLeft(p *page, f *File) {
	if len(f.Left) == 0 {
		return
	}
	p.text(`

    # These folders stay with standpipe (docs/neighbours.md says why):
`)
	for _, url := range f.Left {
		p.line("    #   %q", url)
	}
}

// nginxCache is the variable with the Cache-Control of a folder's files.
func nginxCache(f *File, i int) string {
	return fmt.Sprintf("$standpipe_%s_cache_%d", f.variablePart(), i)
}

func nginxStatic(p *page, f *File, i int, place Static) {
	p.textf(`

    # nginx serves these by itself, and refuses what standpipe refuses.
    location ^~ %s {
        alias %s;
        # Names with a dot in front.
        location ~ %s {
            return 404;
        }
`, quoteText(place.URL), quoteText(place.Dir+"/"), quoteText(place.hidden()))
	if !place.Links {
		p.textf(`
        # Links. standpipe follows relative ones that stay inside; nginx cannot tell them from others.
        disable_symlinks on from=%s;
`, quoteText(place.Dir))
	}
	if len(place.Index) > 0 {
		p.line("        index %s;", quoteTexts(place.Index))
	} else {
		p.text(`
        # Folders.
        location ~ "/$" {
            return 404;
        }
`)
	}
	if place.Precompressed {
		p.text(`
        # NAME.gz goes out for NAME; for NAME.br and NAME.zst nginx needs further modules.
        gzip_static on;
        gzip_vary on;
`)
	}
	cache := `"no-cache"`
	if len(place.Rules) > 0 {
		cache = nginxCache(f, i)
	}
	p.textf(`
        # standpipe knows which names are made of their content, and lets those be kept; nginx asks for each.
        add_header Cache-Control %s;
        add_header X-Content-Type-Options "nosniff";
    }
`, cache)
}

func nginxNoStatic(p *page, f *File) {
	p.textf(`

    # Files that nginx is to serve by itself:
    #location ^~ /static/ {
    #    alias /srv/%[1]s/static/;
    #    disable_symlinks on from=/srv/%[1]s/static;
    #    location ~ "/\.(?!well-known/)" { return 404; }
    #    expires 1h;
    #}
`, f.Name)
}

// nginxHost is the host that the app gets, after the comment that stands above it.
func nginxHost(p *page, f *File) (host string) {
	p.text(`
        # $host is the host that nginx chose this server by. The client's own Host field ($http_host) can be another
        # one, when the request line names a host too.
`)
	if f.Port == "80" || f.Port == "443" {
		return "$host"
	}
	p.text(`
        # $host has no port, and here it is not the scheme's own: without it redirects would lead to port 80.
`)
	return "$host:$server_port"
}

// nginxUwsgi is what stands in location / when standpipe speaks uwsgi.
func nginxUwsgi(p *page, f *File) {
	p.line("        uwsgi_pass standpipe_%s;", f.Name)
	p.text(`

        # What uwsgi_params of nginx says, but for the host.
        uwsgi_param QUERY_STRING    $query_string;
        uwsgi_param REQUEST_METHOD  $request_method;
        uwsgi_param CONTENT_TYPE    $content_type;
        uwsgi_param CONTENT_LENGTH  $content_length;
        uwsgi_param REQUEST_URI     $request_uri;
        # The path as nginx has judged and rewritten it. standpipe goes by this one alone.
        uwsgi_param PATH_INFO       $document_uri;
        uwsgi_param DOCUMENT_ROOT   $document_root;
        uwsgi_param SERVER_PROTOCOL $server_protocol;
        uwsgi_param REQUEST_SCHEME  $scheme;
        uwsgi_param HTTPS           $https if_not_empty;
        uwsgi_param REMOTE_ADDR     $remote_addr;
        uwsgi_param REMOTE_PORT     $remote_port;
        uwsgi_param SERVER_PORT     $server_port;
        uwsgi_param SERVER_NAME     $server_name;
`)
	host := nginxHost(p, f)
	p.line("        uwsgi_param HTTP_HOST       %s;", host)
	if f.counts["id"] {
		p.line("        uwsgi_param HTTP_X_REQUEST_ID $request_id;")
	}
	p.text(`
        # A client's own word about itself, which nginx would hand on. X-Forwarded-For and -Proto count only where nginx's
        # own client, REMOTE_ADDR, is a trusted proxy; take out the line of what such a one writes beside them.
`)
	for _, field := range f.Cleared {
		p.line(`        uwsgi_param %s "" if_not_empty;`, variable(field))
	}
	nginxWaiting(p, f, "uwsgi")
}

// nginxProxy is what stands in location / when standpipe speaks HTTP.
func nginxProxy(p *page, f *File) {
	p.line("        proxy_pass http://standpipe_%s;", f.Name)
	p.line("        proxy_http_version 1.1;")
	if f.Routes {
		p.line("        proxy_set_header Upgrade $http_upgrade;")
		p.line("        proxy_set_header Connection $standpipe_%s_connection;", f.variablePart())
	} else {
		p.text(`
        # Empty, so that connections are kept.
        proxy_set_header Connection "";
`)
	}
	host := nginxHost(p, f)
	p.line("        proxy_set_header Host %s;", host)
	p.text(`
        # standpipe takes these from loopback, unix sockets, and whom --trusted-proxies names. nginx's own address for
        # the client is the last in the list, and the one that counts.
`)
	if f.counts["forwarded"] {
		p.line(`        proxy_set_header Forwarded 'for="$remote_addr";proto=$scheme';`)
	} else {
		p.line("        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;")
		p.line("        proxy_set_header X-Forwarded-Proto $scheme;")
	}
	if f.counts["host"] {
		p.line("        proxy_set_header X-Forwarded-Host %s;", host)
	}
	if f.counts["port"] {
		p.line("        proxy_set_header X-Forwarded-Port $server_port;")
	}
	if f.counts["id"] {
		p.line("        proxy_set_header X-Request-ID $request_id;")
	}
	if f.counts["prefix"] {
		p.line(`        proxy_set_header X-Forwarded-Prefix "";`)
	}
	for _, field := range f.Addresses {
		p.line("        proxy_set_header %s $remote_addr;", field)
	}
	for _, field := range f.Schemes {
		p.line("        proxy_set_header %s $scheme;", field)
	}
	p.line("        # nginx hands on what it does not write: the client's own word about itself.")
	for _, field := range f.Cleared {
		p.line(`        proxy_set_header %s "";`, field)
	}
	nginxWaiting(p, f, "proxy")
}

// nginxWaiting ends a location: times and buffers of the module that connects to standpipe.
func nginxWaiting(p *page, f *File, module string) {
	p.textf(`

        # Longer than what standpipe allows an app, so that its own page comes, with the request's id. An answer that
        # may be silent for longer (events) needs more.
        %[1]s_read_timeout %[2]s;
        # standpipe keeps bodies from workers until they are whole, too. With off they wait once, not twice; nginx then
        # cannot ask another server.
        #%[1]s_request_buffering off;
        # An answer's head fits into one buffer: cookies make it long.
        %[1]s_buffer_size 64k;
        %[1]s_buffers 8 64k;
        %[1]s_busy_buffers_size 128k;
`, module, nginxTime(f.ReadTimeout))
}
