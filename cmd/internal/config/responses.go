package config

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Responses are what standpipe itself responds with.
type Responses struct {
	HealthPath   string         // in front of /livez and /readyz: "/" or "/-/health"; "off": they are not answered
	ServerHeader string         `key:"server_header"` // the Server field; empty: none
	ErrorPages   map[int]string // status -> file
}

// Settings are keys at the top.
func (*Responses) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "health_path", Kind: schema.Text, Default: "/", Reload: true, Hint: "PATH|off",
			Set: schema.Set(setHealthPath), Show: schema.Show(func(r *Responses) (string, bool) { return r.HealthPath, true })},
		{Key: "server_header", Kind: schema.Text, Default: "standpipe", Reload: true},
		{Key: "error_page", Kind: schema.Pairs, Reload: true, Hint: "STATUS=FILE", Set: schema.Set(setErrorPage), Show: schema.Show(showErrorPage)},
	}}
}

func setHealthPath(r *Responses, in schema.Input) error {
	v := in.Last()
	if v != "off" {
		v = "/" + strings.Trim(v, "/")
		if why := badMount(v); why != "" || !strings.HasPrefix(in.Last(), "/") || strings.Contains(v, "%") {
			return fmt.Errorf("%q is not a path such as /-/health, nor off", in.Last())
		}
	}
	r.HealthPath = v
	return nil
}

// Health are the paths of the health checks; none: they are off.
func (r *Responses) Health() []string {
	if r.HealthPath == "off" {
		return nil
	}
	at := strings.TrimSuffix(r.HealthPath, "/")
	return []string{at + "/livez", at + "/readyz"}
}

// setErrorPage adds to the pages of the layers before.
func setErrorPage(r *Responses, in schema.Input) error {
	for _, v := range in.List() {
		status, file, ok := strings.Cut(v, "=")
		n, err := strconv.Atoi(status)
		if !ok || err != nil || file == "" {
			return fmt.Errorf("%q is not STATUS=FILE, as 503=busy.html", v)
		}
		if n < 400 || n > 599 {
			return fmt.Errorf("%q: %d is not the status of an error; 400 to 599 are", v, n)
		}
		if !filepath.IsAbs(file) {
			file = filepath.Join(in.Base, file)
		}
		if r.ErrorPages == nil {
			r.ErrorPages = make(map[int]string)
		}
		r.ErrorPages[n] = file
	}
	return nil
}

func showErrorPage(r *Responses) (string, bool) {
	var out []string
	for _, n := range slices.Sorted(maps.Keys(r.ErrorPages)) {
		out = append(out, fmt.Sprintf("%d=%s", n, r.ErrorPages[n]))
	}
	return strings.Join(out, ","), len(out) > 0
}

// Check finds a Server field that is not one, and pages that cannot be read.
func (r *Responses) Check(row *schema.Row) {
	if strings.ContainsFunc(r.ServerHeader, func(c rune) bool { return c < ' ' || c > '~' }) {
		row.Bad("server_header", "server_header %q contains a character that a field may not have (RFC 9110 5.5)", r.ServerHeader)
	}
	for _, status := range slices.Sorted(maps.Keys(r.ErrorPages)) {
		path := r.ErrorPages[status]
		if st, err := os.Stat(path); err != nil {
			row.Bad("error_page", "the page for %d, %s, %v", status, path, reason(err))
		} else if !st.Mode().IsRegular() || st.Size() > maxFile {
			row.Bad("error_page", "the page for %d, %s, is not a file of at most %s", status, path, schema.FormatSize(maxFile))
		}
	}
}
