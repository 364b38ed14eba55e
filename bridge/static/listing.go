package static

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/spool"
)

// maxListed is how many entries of a folder are looked at.
const maxListed = 10_000

// listed is one file or folder of a listing, with the names that nginx's autoindex_format json has.
type listed struct {
	Name string `json:"name"`
	Type string `json:"type"` // "file" or "directory"
	Time string `json:"mtime"`
	Size *int64 `json:"size,omitempty"` // of a file

	changed time.Time
}

// list answers for a folder with the names in it, as HTML or JSON. false: there is no such folder.
func (h *Handler) list(w http.ResponseWriter, r *http.Request, s *openMount, root *Root, name string, now time.Time) bool {
	entries, more, err := s.entries(root, name, now)
	switch {
	case errors.Is(err, fs.ErrPermission):
		h.logUnreadable(root, name, err)
		return false
	case exhausted(err):
		return h.failed(w, r, root, name, err)
	case err != nil:
		return false
	}
	h.sign(w)
	f := w.Header()
	for _, a := range s.added {
		f[a.name] = append(f[a.name], a.value)
	}
	var body []byte
	if httpx.PrefersJSON(r.Header["Accept"]) {
		f["Content-Type"] = []string{"application/json"}
		body, _ = json.Marshal(entries) // texts and numbers: no error
	} else {
		u := r.URL
		if h.Shown != nil {
			u = h.Shown(r)
		}
		f["Content-Type"] = []string{"text/html; charset=utf-8"}
		if f["Content-Security-Policy"] == nil {
			f["Content-Security-Policy"] = []string{"default-src 'none'; style-src 'unsafe-inline'"}
		}
		body = page(u.Path, name != ".", entries, more)
	}
	f["Vary"] = append(f["Vary"], "Accept")
	f["X-Content-Type-Options"] = []string{"nosniff"}
	f["Cache-Control"] = []string{revalidate}
	f["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client may have disconnected
	}
	return true
}

// entries are the files and folders that requests may name, folders first, sorted by name. more: there are others.
func (s *openMount) entries(root *Root, folder string, now time.Time) (list []listed, more bool, err error) {
	d, err := root.openFile(folder, now)
	if err != nil {
		return nil, false, err
	}
	defer d.Close()
	done := spool.Disk()
	names, err := d.Readdirnames(maxListed + 1)
	done()
	if err != nil && err != io.EOF {
		return nil, false, err
	}
	if len(names) > maxListed {
		names, more = names[:maxListed], true
	}
	list = make([]listed, 0, len(names))
	for _, name := range names {
		full := name
		if folder != "." {
			full = folder + "/" + name
		}
		if clean, dir, ok := nameOf("/" + full); !ok || dir || s.Site && isSource(clean) || s.isScript(clean) {
			continue
		}
		st, err := root.stat(full, now) // a link that may not be followed is left out
		if err != nil || !st.IsDir() && !st.Mode().IsRegular() {
			continue
		}
		e := listed{Name: name, Type: "directory", changed: st.ModTime().UTC()}
		if e.Time = e.changed.Format(http.TimeFormat); !st.IsDir() {
			size := st.Size()
			e.Type, e.Size = "file", &size
		}
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b listed) int {
		if a.Type != b.Type {
			return strings.Compare(a.Type, b.Type)
		}
		return strings.Compare(a.Name, b.Name)
	})
	return list, more, nil
}

// page is a listing for people. path is the folder's, as the client sees it; above: the folder above it is served too.
func page(path string, above bool, list []listed, more bool) []byte {
	title := html.EscapeString(strings.ToValidUTF8(path, "\uFFFD"))
	b := fmt.Appendf(nil, `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<title>%s</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em}
table{border-collapse:collapse;width:100%%}td{padding:.1em 1em .1em 0;white-space:nowrap}td:first-child{width:100%%;white-space:normal;overflow-wrap:anywhere}
td+td{text-align:right;font-variant-numeric:tabular-nums;opacity:.75}</style></head>
<body><h1>%s</h1><table>
`, title, title)
	if above {
		b = append(b, "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n"...)
	}
	for _, e := range list {
		slash, size := "/", ""
		if e.Size != nil {
			slash, size = "", sizeText(*e.Size)
		}
		name := html.EscapeString(strings.ToValidUTF8(e.Name, "\uFFFD")) + slash
		b = fmt.Appendf(b, "<tr><td><a href=\"./%s%s\">%s</a></td><td>%s</td><td><time>%s</time></td></tr>\n", html.EscapeString(url.PathEscape(e.Name)), slash, name, size,
			e.changed.Format("2006-01-02 15:04"))
	}
	b = append(b, "</table>"...)
	if more {
		b = fmt.Appendf(b, "<p>There are more than %d names; these are some of them.</p>", maxListed)
	}
	return append(b, "</body></html>\n"...)
}

// sizeText is a size for people.
func sizeText(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	f, unit := float64(n)/1024, 0
	for f >= 1024 && unit < 4 {
		f, unit = f/1024, unit+1
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + " " + "KMGTP"[unit:unit+1] + "iB"
}
