package config

import (
	"fmt"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/standpipe/standpipe/bridge/answer"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// RouteAnswer are the handlers of a route besides upstreams. A route has one handler.
type RouteAnswer struct {
	Files RouteFiles // [route.static]

	App string `key:"app"` // the name of an app

	Redirect string `key:"redirect"` // a template of a URL
	Status   int    `key:"status"`   // of the redirect

	Respond     int    // a status; 0: this is not the handler
	Body        string // the text
	HasBody     bool
	BodyFile    string `key:"body_file"`    // absolute
	ContentType string `key:"content_type"` // empty: by the name of BodyFile, or plain text
}

// RouteFiles is the folder of a route that serves files.
type RouteFiles struct {
	Dir  string `key:"dir"` // absolute; empty: this is not the handler
	Link string // Dir as configured, where a release has resolved it; else empty
	FileRules
}

// largestBody is the size of a fixed answer, in bytes: it stays in memory.
const largestBody = 1 << 20

// Settings are keys of [[route]].
func (*RouteAnswer) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "static", Kind: schema.Text, Reload: true, Hint: "DIR",
			Set: schema.Set(func(a *RouteAnswer, in schema.Input) error {
				a.Files.Dir = in.Last()
				return nil
			}), Show: schema.Show(func(a *RouteAnswer) (string, bool) { return a.Files.Dir, a.Files.Dir != "" })},
		{Key: "app", Kind: schema.Text, Reload: true},
		{Key: "redirect", Kind: schema.Text, Reload: true},
		{Key: "status", Kind: schema.Int, Default: "302", Reload: true},
		{Key: "respond", Kind: schema.Int, Reload: true,
			Set:  schema.Set(func(a *RouteAnswer, in schema.Input) error { return schema.Store(&a.Respond, in.Last(), parseStatus) }),
			Show: schema.Show(func(a *RouteAnswer) (string, bool) { return fmt.Sprint(a.Respond), a.Respond != 0 })},
		{Key: "body", Kind: schema.Text, Reload: true, Derived: "the error page of a status from 400, else none",
			Set: schema.Set(func(a *RouteAnswer, in schema.Input) error {
				a.Body, a.HasBody = in.Last(), true
				return nil
			}), Show: schema.Show(func(a *RouteAnswer) (string, bool) { return a.Body, a.HasBody })},
		{Key: "body_file", Kind: schema.Path, Reload: true, Hint: "FILE"},
		{Key: "content_type", Kind: schema.Text, Reload: true, Derived: "that of body_file's name; `text/plain; charset=utf-8` for body"},
	}}
}

// Settings are those of [route.static].
func (*RouteFiles) Settings() schema.Group {
	return schema.Group{Key: "static", FileOnly: true, Doc: "How the files of a route are served; `static = \"DIR\"` in [[route]] is the short form of a table with `dir` alone.",
		Settings: []schema.Setting{{Key: "dir", Kind: schema.Text, Reload: true}}}
}

func parseStatus(v string) (int, error) {
	n, err := schema.ParseInt(v)
	switch {
	case err != nil:
		return 0, err
	case n >= 300 && n < 400:
		return 0, fmt.Errorf("is the status of a redirect; write redirect and status")
	case n < 200 || n > 599:
		return 0, fmt.Errorf("is not a status; write 200 to 299, or 400 to 599")
	}
	return n, nil
}

// complete makes the folder absolute.
func (f *RouteFiles) complete(base string) {
	if f.Missing == "" {
		f.Missing = "404"
	}
	if f.Index == nil { // without an app behind, people expect it; an empty list is none
		f.Index = []string{"index.html"}
	}
	if f.Dir != "" && !filepath.IsAbs(f.Dir) {
		f.Dir = filepath.Join(base, f.Dir)
	}
}

// Check finds mistakes in the folder's values.
func (f *RouteFiles) Check(row *schema.Row) {
	if f.Dir == "" {
		return // a route of another kind; Route.Check looks for what is in its table
	}
	key := "dir"
	if !row.Given(key) {
		key = "static"
		row = row.Other(strings.TrimSuffix(row.Path, ".static"))
	}
	if err := checkFolder(f.Dir); err != nil {
		row.Bad(key, "[[route]] static: %v", err)
	} else if why := f.badFallback(f.Dir); why != "" {
		row.Bad(key, "[[route]] static: %s", why)
	}
	if name := f.badIndex(); name != "" {
		row.Bad(key, "[[route]] static: index %s is not a file's name", name)
	}
}

// Check finds mistakes in the values of each handler.
func (a *RouteAnswer) Check(row *schema.Row) {
	if a.Redirect != "" {
		switch a.Status {
		case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		default:
			row.Bad("status", "status %d is not one of 301, 302, 303, 307 and 308", a.Status)
		}
	}
	if a.Respond == 0 {
		return
	}
	if a.HasBody && a.BodyFile != "" {
		row.Bad("body_file", "body and body_file are both set; leave one of them out")
	}
	if empty := a.Respond == http.StatusNoContent || a.Respond == http.StatusResetContent || a.Respond == answer.NoAnswer; empty && (a.HasBody || a.BodyFile != "") {
		key := "body"
		if !a.HasBody {
			key = "body_file"
		}
		row.Bad(key, "an answer with the status %d has no body", a.Respond)
	}
	if _, _, err := mime.ParseMediaType(a.ContentType); a.ContentType != "" && (err != nil || !strings.Contains(a.ContentType, "/")) {
		row.Bad("content_type", "content_type %q is not a media type; write text/html; charset=utf-8", a.ContentType)
	}
	if a.ContentType != "" && !a.HasBody && a.BodyFile == "" {
		row.Bad("content_type", "content_type is for body and body_file, and there is neither")
	}
	if a.BodyFile == "" {
		return
	}
	switch st, err := os.Stat(a.BodyFile); {
	case err != nil:
		row.Bad("body_file", "body_file %s %v", a.BodyFile, reason(err))
	case !st.Mode().IsRegular() || st.Size() > largestBody:
		row.Bad("body_file", "body_file %s is not a file of at most %s; static serves larger ones", a.BodyFile, schema.FormatSize(largestBody))
	}
}
