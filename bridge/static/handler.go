package static

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Options are the settings of a Handler.
type Options struct {
	// App is the name of the app whose mounts these are; empty: the server's.
	App string
	// Mounts are the folders that are served.
	Mounts *Mounts
	// Next gets requests for which no mount has a file; nil: the answer is 404.
	Next http.Handler
	// Cache is shared by all handlers.
	Cache *Cache
	// Encoder compresses files that have no sibling; nil: they are not compressed.
	Encoder Encoder
	// Codings are the codings of the Encoder, in order of preference.
	Codings []string
	// Types may be compressed.
	Types httpx.TypeList
	// MinSize is the smallest file that is compressed here; bytes.
	MinSize int64
	// Shown is the URL that the client sees; nil: the request's.
	Shown func(*http.Request) *url.URL
	// Pages are the error pages; nil: the built-in ones.
	Pages *httpx.Pages
	// Log gets static_unreadable and static_cut; nil: no log.
	Log hclog.Logger
}

// Handler answers requests for files, and passes other requests to Next.
type Handler struct {
	Options
	limiter httpx.LogLimiter
}

// New makes a Handler.
func New(o Options) *Handler {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	if o.Cache == nil {
		o.Cache = NewCache(0, 0)
	}
	return &Handler{Options: o, limiter: httpx.LogLimiter{Every: time.Minute, Max: 100}}
}

// ServeHTTP asks the mounts whose URL the path begins with, the longest URL first. When none
// of them has the file, the first of them says what happens.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for {
		openMounts := h.Mounts.openMounts()
		owner, served := h.ask(openMounts, w, r)
		switch {
		case served:
		case !h.Mounts.current(openMounts): // the folders may have been closed meanwhile
			continue
		case owner == nil && h.Next != nil:
			h.Next.ServeHTTP(w, r)
		case owner == nil || owner.Else == NotFound || h.Next == nil:
			h.refuse(w, r, owner)
		default:
			h.pass(w, r, owner)
		}
		return
	}
}

func (h *Handler) ask(openMounts []*openMount, w http.ResponseWriter, r *http.Request) (owner *openMount, served bool) {
	for _, s := range openMounts {
		rest, ok := s.under(r.URL.Path)
		if !ok {
			continue
		}
		if owner == nil {
			owner = s
		}
		if s.HTTPS && httpx.Of(w).Scheme != "https" {
			continue
		}
		if (r.Method == http.MethodGet || r.Method == http.MethodHead) && h.try(w, r, s, rest) {
			return owner, true
		}
	}
	return owner, false
}

// refuse answers where there is no Next, or s does not use it; s nil: no mount matches.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, s *openMount) {
	h.sign(w)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		allow := "GET, HEAD"
		if s != nil && s.crossOrigin() {
			allow += ", OPTIONS"
			if r.Method == http.MethodOptions {
				s.preflight(w, r, allow)
				return
			}
		}
		w.Header()["Allow"] = []string{allow}
		h.Pages.Write(w, r, http.StatusMethodNotAllowed, "", 0)
		return
	}
	if s != nil && s.Fallback != "" && h.fallback(w, r, s) {
		return
	}
	h.Pages.Write(w, r, http.StatusNotFound, "", 0) // no-store: a file may come with the next deployment
}

func (h *Handler) sign(w http.ResponseWriter) {
	n := httpx.Of(w)
	n.App, n.Source = h.App, "static"
}

// pass passes a request to Next. A 404 for a URL of files must not stay in a cache: the file
// may come with the next deployment.
func (h *Handler) pass(w http.ResponseWriter, r *http.Request, s *openMount) {
	if rec := httpx.Find(w); rec != nil && s.URL != "" && !s.Site {
		rec.Interpose(func(inner http.ResponseWriter) http.ResponseWriter { return &notKept{inner} })
	}
	h.Next.ServeHTTP(w, r)
}

// try serves a file of a mount; false: there is no file of that name.
func (h *Handler) try(w http.ResponseWriter, r *http.Request, s *openMount, rest string) bool {
	name, dir, ok := nameOf(rest)
	if !ok || s.Site && isSource(name) || s.isScript(name) {
		return false
	}
	now := time.Now()
	for _, root := range s.roots {
		if h.tryRoot(w, r, s, root, name, dir, now) {
			return true
		}
	}
	for i := range s.old {
		if o := &s.old[i]; o.until.After(now) && h.tryRoot(w, r, s, o.Root, name, dir, now) {
			return true
		}
	}
	return false
}

// maxChanges is how often a file may change between check and answer before the request
// fails.
const maxChanges = 3

func (h *Handler) tryRoot(w http.ResponseWriter, r *http.Request, s *openMount, root *Root, name string, dir bool, now time.Time) bool {
	if dir {
		for _, index := range s.Index {
			name := path.Join(name, index)
			if err := h.tryFile(w, r, s, root, name, now); err == nil || exhausted(err) {
				return err == nil || h.failed(w, r, root, name, err)
			}
		}
		return s.Listing && h.list(w, r, s, root, name, now)
	}
	err := h.tryFile(w, r, s, root, name, now)
	switch {
	case err == nil:
		return true
	case errors.Is(err, errFolder):
		return h.redirect(w, r, s, root, name, now)
	case missing(err):
		return false
	case errors.Is(err, fs.ErrPermission):
		h.logUnreadable(root, name, err)
		return false
	}
	return h.failed(w, r, root, name, err)
}

// exhausted: no descriptor is free, for now.
func exhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// failed answers for a file that exists and cannot be read.
func (h *Handler) failed(w http.ResponseWriter, r *http.Request, root *Root, name string, err error) bool {
	h.logUnreadable(root, name, err)
	h.sign(w)
	status := http.StatusInternalServerError
	if exhausted(err) {
		status = http.StatusServiceUnavailable
	}
	h.Pages.Write(w, r, status, "", 0)
	return true
}

// missing: no file of that name can be served.
func missing(err error) bool {
	for _, e := range []error{fs.ErrNotExist, fs.ErrInvalid, errSpecial, errNoFolder, syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.ELOOP, syscall.ENXIO} {
		if errors.Is(err, e) {
			return true
		}
	}
	return leaves(err) || errors.Is(err, fs.ErrClosed)
}

func (h *Handler) tryFile(w http.ResponseWriter, r *http.Request, s *openMount, root *Root, name string, now time.Time) error {
	for try := 1; ; try++ {
		f, err := h.Cache.get(h, s, root, name, now)
		if err != nil {
			return err
		}
		err = h.send(w, r, s, f)
		if err != errChanged {
			return err
		}
		if root.isClosed() { // a new generation serves
			return fs.ErrClosed
		}
		if try == maxChanges {
			return errChanged
		}
		h.Cache.renew(f)
	}
}

// redirect sends a client that asks for a folder to the URL with a slash, where its index
// or listing is: relative links in it would be wrong otherwise.
func (h *Handler) redirect(w http.ResponseWriter, r *http.Request, s *openMount, root *Root, name string, now time.Time) bool {
	has := func(index string) bool {
		_, err := h.Cache.get(h, s, root, path.Join(name, index), now)
		return err == nil
	}
	if s.Listing || slices.ContainsFunc(s.Index, has) {
		h.sign(w)
		u := r.URL
		if h.Shown != nil {
			u = h.Shown(r)
		}
		to := "/" + strings.TrimLeft(u.EscapedPath(), "/") + "/" // two slashes would begin a host
		if u.RawQuery != "" {
			to += "?" + u.RawQuery
		}
		f := w.Header()
		f["Location"] = []string{to}
		f["Cache-Control"] = []string{revalidate}
		f["Content-Length"] = []string{"0"}
		f["Content-Type"] = nil
		w.WriteHeader(http.StatusMovedPermanently)
		return true
	}
	return false
}

func (h *Handler) logUnreadable(root *Root, name string, err error) {
	if h.limiter.Allow(root.path, time.Now()) {
		h.Log.Warn("static_unreadable", "app", h.App, "dir", root.path, "name", name, "error", err)
	}
}

// notKept puts no-store on a 404.
type notKept struct{ http.ResponseWriter }

func (n *notKept) WriteHeader(status int) {
	if status == http.StatusNotFound && len(n.Header()["Cache-Control"]) == 0 {
		n.Header()["Cache-Control"] = []string{"no-store"}
	}
	n.ResponseWriter.WriteHeader(status)
}

// ReadFrom keeps the way open for sendfile.
func (n *notKept) ReadFrom(r io.Reader) (int64, error) { return io.Copy(n.ResponseWriter, r) }

func (n *notKept) Unwrap() http.ResponseWriter { return n.ResponseWriter }
