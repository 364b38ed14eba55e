package manual

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/events"
	"github.com/standpipe/standpipe/docs"
)

// Topic is a page under the name by which people ask for it.
type Topic struct {
	Name string
	file string   // in docs
	also []string // topics that go on
}

// Topics are all topics, in the order in which people need them.
var Topics = []Topic{
	{"tutorial", "tutorial.md", []string{"development", "deploy"}},
	{"development", "development.md", []string{"tutorial", "local-https"}},
	{"install", "install.md", []string{"upgrading"}},
	{"migrating", "migrating.md", []string{"faq"}},
	{"faq", "faq.md", nil},
	{"workers", "workers.md", []string{"limits", "zero-downtime", "many-apps"}},
	{"static", "static.md", []string{"cache", "fields"}},
	{"routes", "routes.md", []string{"load-balancing", "neighbours", "fastcgi"}},
	{"fields", "fields.md", nil},
	{"cache", "cache.md", []string{"behind-cdn"}},
	{"tls", "tls.md", []string{"automatic-https", "local-https", "http2", "http3"}},
	{"automatic-https", "automatic-https.md", []string{"tls"}},
	{"local-https", "local-https.md", []string{"tls"}},
	{"http2", "http2.md", nil},
	{"http3", "http3.md", nil},
	{"limits", "limits.md", []string{"access"}},
	{"access", "access.md", []string{"limits"}},
	{"load-balancing", "load-balancing.md", []string{"routes"}},
	{"neighbours", "neighbours.md", []string{"behind-cdn"}},
	{"behind-cdn", "behind-cdn.md", nil},
	{"fastcgi", "fastcgi.md", []string{"routes"}},
	{"deploy", "systemd.md", []string{"containers", "kubernetes", "zero-downtime", "upgrading"}},
	{"systemd", "systemd.md", []string{"users", "operating"}},
	{"containers", "containers.md", []string{"kubernetes"}},
	{"kubernetes", "kubernetes.md", []string{"containers"}},
	{"zero-downtime", "zero-downtime.md", nil},
	{"many-apps", "many-apps.md", []string{"users"}},
	{"users", "users.md", nil},
	{"operating", "operating.md", []string{"logs", "reliability"}},
	{"logs", "", []string{"operating"}},
	{"top", "top.md", []string{"dashboard"}},
	{"dashboard", "dashboard.md", []string{"top"}},
	{"tracing", "tracing.md", nil},
	{"reliability", "reliability.md", nil},
	{"upgrading", "upgrading.md", nil},
}

// others are further words for a topic.
var others = map[string]string{
	"https": "tls", "certificates": "tls", "acme": "automatic-https", "ssl": "tls", "docker": "containers", "podman": "containers", "k8s": "kubernetes",
	"helm": "kubernetes", "nginx": "neighbours", "proxy": "routes", "php": "fastcgi", "http": "http2", "reload": "zero-downtime", "threads": "workers",
	"gevent": "workers", "upstreams": "load-balancing", "start": "tutorial", "dev": "development", "questions": "faq", "log": "logs", "files": "static",
	"traces": "tracing", "headers": "fields", "cdn": "behind-cdn", "gunicorn": "migrating", "uwsgi": "migrating",
}

// Names are the names of the topics.
func Names() (names []string) {
	for _, t := range Topics {
		names = append(names, t.Name)
	}
	return names
}

// Page returns the page of a topic, or what a setting or an event is about, as Markdown; false: there is no such topic.
func Page(name string) (string, bool) {
	name = strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(name, "docs/"), ".md"))
	i := slices.IndexFunc(Topics, func(t Topic) bool { return t.Name == name })
	if i < 0 {
		if page, ok := setting(name); ok {
			return page, true
		}
		if other := others[name]; other != "" {
			return Page(other)
		}
		return "", false
	}
	t := Topics[i]
	var page string
	if t.file == "" {
		var b bytes.Buffer
		_ = events.WritePage(&b)
		page, _, _ = strings.Cut(b.String(), "\n## Exit codes")
		page += "\n\n`standpipe explain EVENT` says what an event means and what to do.\n"
	} else {
		text, err := docs.Pages.ReadFile(t.file)
		if err != nil { // a test reads each page
			return "", false
		}
		page = string(text)
	}
	if len(t.also) > 0 {
		page += fmt.Sprintf("\nGo on: `standpipe help %s`\n", strings.Join(t.also, "`, `standpipe help "))
	}
	return page, true
}

// Unknown says what was probably meant by a topic that there is not; empty: nothing is near.
func Nearest(name string) string {
	names := Names()
	for other := range others {
		names = append(names, other)
	}
	slices.Sort(names)
	return schema.Nearest(name, names)
}
