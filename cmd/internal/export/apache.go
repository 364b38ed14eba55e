package export

import "slices"

// apache writes one virtual host.
func apache(p *page, f *File) {
	apacheHead(p, f)
	apacheHost(p, f)
	for _, place := range f.Static {
		apacheStatic(p, place)
	}
	if len(f.Static) == 0 {
		apacheNoStatic(p, f)
	}
	apacheFields(p, f)
	p.text(`

    # Longer than what standpipe allows an app, so that its own page comes, with the request's id. An answer that may be
    # silent for longer (events) needs more.
`)
	if f.Speaks == "uwsgi" {
		apacheUwsgi(p, f)
	} else {
		apacheProxy(p, f)
	}
	p.line("</VirtualHost>")
}

// apacheHead says how the file is installed.
func apacheHead(p *page, f *File) {
	modules := "proxy proxy_http headers"
	if f.Speaks == "uwsgi" {
		modules = "proxy proxy_uwsgi headers"
	}
	if len(f.Static) > 0 {
		modules += " rewrite"
	}
	p.textf(`
# Apache in front of standpipe. Made by "standpipe export apache" from %[1]s.
#
# Put it into /etc/apache2/sites-available/%[2]s.conf, then
#   a2enmod %[3]s && a2ensite %[2]s && apachectl -t && systemctl reload apache2
`, f.Source, f.Name, modules)
	if f.Port != "80" && f.Port != "443" {
		p.line("# and in ports.conf: Listen %s", f.Listen)
	}
}

// apacheHost begins the virtual host: its address, names and limits.
func apacheHost(p *page, f *File) {
	address := f.Listen
	if address == f.Port {
		address = "*:" + f.Port
	}
	p.textf(`

<VirtualHost %s>
`, address)
	for i, name := range f.Names {
		if i == 0 {
			p.line("    ServerName %s", name)
		} else {
			p.line("    ServerAlias %s", name)
		}
	}
	p.textf(`
    # So that the app's redirects and absolute links have the client's host and port.
    UseCanonicalName Off

    # %%2F in a path is a slash, as it is for standpipe; Apache answers 404 to it otherwise.
    AllowEncodedSlashes On

    # As standpipe's own limits. Apache's default for a field is 8190.
    LimitRequestBody %[1]d
    LimitRequestFieldSize %[2]d
    LimitRequestLine %[2]d
`, f.MaxBody, f.MaxHead)
	if len(f.Left) > 0 {
		p.text(`

    # These folders stay with standpipe (docs/neighbours.md says why):
`)
		for _, url := range f.Left {
			p.line("    #   %q", url)
		}
	}
}

func apacheStatic(p *page, place Static) {
	p.textf(`

    # Apache serves these by itself, and refuses what standpipe refuses: names with a dot in front, and links
    # (standpipe follows relative ones that stay inside; Apache cannot tell them from others).
    ProxyPass %[1]s "!"
    Alias %[1]s %[2]s
    RedirectMatch 404 %[3]s
    RewriteEngine On
    RewriteCond "%%{REQUEST_METHOD}" "!^(?:GET|HEAD)$"
    RewriteRule "%[4]s" - [R=405,L]
`, quoteText(place.URL), quoteText(place.Dir+"/"), quoteText(place.hidden()), place.pattern())
	if place.Precompressed {
		p.line("    # NAME.br, NAME.zst, NAME.gz go out for NAME.")
		for _, c := range codings() {
			p.textf(`
    RewriteCond "%%{HTTP:Accept-Encoding}" "%[1]s"
    RewriteCond "%[2]s/$1.%[3]s" -f
    RewriteRule "%[4]s" "%[5]s$1.%[3]s" [PT,L,E=STANDPIPE_CODED:1]
`, c.accepted, place.Dir, c.suffix, place.pattern(), place.URL)
		}
	}
	options, index := "None", "disabled"
	if place.Links {
		options = "FollowSymLinks"
	}
	if len(place.Index) > 0 {
		index = " " + quoteTexts(place.Index)
	}
	p.textf(`
    <Directory %s>
        Require all granted
        AllowOverride None
        Options %s
        <IfModule mod_dir.c>
            DirectoryIndex %s
        </IfModule>
        # standpipe knows which names are made of their content, and lets those be kept; Apache asks for each.
        Header set Cache-Control "no-cache"
`, quoteText(place.Dir), options, index)
	for _, rule := range slices.Backward(place.Rules) { // the last that fits counts
		p.line("        Header set Cache-Control %s %s", quoteText(rule.Value), quoteText(rule.expr()))
	}
	p.line(`        Header set X-Content-Type-Options "nosniff"`)
	if place.Precompressed {
		p.text(`
        Header append Vary "Accept-Encoding"
        <If "-n reqenv('STANDPIPE_CODED')">
            RemoveType .br .zst .gz
            AddEncoding br .br
            AddEncoding zstd .zst
            AddEncoding gzip .gz
        </If>
`)
	}
	p.line("    </Directory>")
}

func apacheNoStatic(p *page, f *File) {
	p.textf(`

    # Files that Apache is to serve by itself:
    #ProxyPass "/static/" "!"
    #Alias "/static/" "/srv/%[1]s/static/"
    #RedirectMatch 404 "^/static/(?:.*/)?\.(?!well-known/)"
    #<Directory "/srv/%[1]s/static">
    #    Options None
    #    Require all granted
    #</Directory>
`, f.Name)
}

// apacheFields removes the fields that a client may not set, and sets those that standpipe reads.
func apacheFields(p *page, f *File) {
	p.text(`

    # Apache hands on what it does not write: a client's own word about itself.
`)
	for _, field := range f.Cleared {
		p.line("    RequestHeader unset %s", field)
	}
	if f.counts["prefix"] {
		p.line("    RequestHeader unset X-Forwarded-Prefix")
	}
	if f.Speaks != "http" {
		return
	}
	if f.counts["port"] {
		p.text(`
    RequestHeader set X-Forwarded-Port "expr=%{SERVER_PORT}"
`)
	}
	for _, field := range f.Addresses {
		p.line(`    RequestHeader set %s "expr=%%{REMOTE_ADDR}"`, field)
	}
	for _, field := range f.Schemes {
		p.line(`    RequestHeader set %s "expr=%%{REQUEST_SCHEME}"`, field)
	}
	if f.counts["forwarded"] {
		p.text(`
    # Instead of X-Forwarded-For and its kin, which Apache would write by itself.
    ProxyAddHeaders Off
    RequestHeader set Forwarded "expr=for=\"%{REMOTE_ADDR}\";proto=%{REQUEST_SCHEME}"
`)
	}
	if f.counts["id"] {
		p.text(`
    # mod_unique_id: a2enmod unique_id
    RequestHeader set X-Request-ID "%{UNIQUE_ID}e"
`)
	}
}

func apacheUwsgi(p *page, f *File) {
	if f.Unix != "" {
		p.textf(`
    # Over a unix socket Apache cannot tell an answer that was cut off from a whole one, unless it has a Content-Length.
    # Over TCP (standpipe serve -b uwsgi://127.0.0.1:3031) it can.
    ProxyPass "/" "unix:%s|uwsgi://%s/" timeout=%d
`, f.Unix, f.Name, seconds(f.ReadTimeout))
	} else {
		p.line(`    ProxyPass "/" "uwsgi://%s/" timeout=%d`, f.TCP, seconds(f.ReadTimeout))
	}
	p.line("    # A chunked upload is answered 411 by Apache: mod_proxy_uwsgi needs its length before it begins.")
}

func apacheProxy(p *page, f *File) {
	p.line("    ProxyPreserveHost On")
	if !f.counts["forwarded"] {
		p.text(`
    RequestHeader set X-Forwarded-Proto "expr=%{REQUEST_SCHEME}"
`)
	}
	switch {
	case f.Unix != "":
		p.line(`    ProxyPass "/" "unix:%s|http://%s/" timeout=%d nocanon`, f.Unix, f.Name, seconds(f.ReadTimeout))
	case f.Routes:
		p.line(`    ProxyPass "/" "http://%s/" timeout=%d nocanon upgrade=websocket`, f.TCP, seconds(f.ReadTimeout))
	default:
		p.line(`    ProxyPass "/" "http://%s/" timeout=%d nocanon`, f.TCP, seconds(f.ReadTimeout))
	}
}
