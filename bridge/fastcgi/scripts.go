package fastcgi

import (
	"io/fs"
	"net/http"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// ScriptsOptions say which requests of a route run which script.
type ScriptsOptions struct {
	// Prefix is the part of the path that the root does not have: "" or "/blog".
	Prefix string
	// Split are the endings of scripts: ".php".
	Split []string
	// Index are the files that answer for a folder.
	Index []string
	// Missing is the script for paths that name nothing: "/index.php", beneath the root; empty:
	// they are 404.
	Missing string
	// Look finds the file or folder that a path names, and the folder that the root is now; not
	// ok: there is none, or it may not be used. nil: the root is not on this machine.
	Look func(path string) (info fs.FileInfo, root string, ok bool)
	// Root is the root in the file system of the upstream; empty: as Look says.
	Root string
	// Files serves the files that are no scripts; nil where Look is.
	Files http.Handler
	// Next runs scripts.
	Next http.Handler
	// Pages are the error pages; nil: the built-in ones.
	Pages *httpx.Pages
}

// Scripts finds for each request what its path names below the root: a script, which Next runs,
// a file, or nothing. It reads names as split and Look do, and repairs none.
type Scripts struct{ ScriptsOptions }

// NewScripts makes a Scripts.
func NewScripts(o ScriptsOptions) *Scripts { return &Scripts{o} }

func (s *Scripts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if !strings.HasPrefix(path, "/") || !strings.HasPrefix(path, s.Prefix) || !plain(path) {
		s.Pages.Write(w, r, http.StatusNotFound, "", 0)
		return
	}
	if s.Look == nil {
		s.elsewhere(w, r, path)
		return
	}
	if script, root := s.split(path); script != "" {
		s.run(w, r, script, path[len(script):], root)
		return
	}
	info, _, ok := s.Look(path)
	switch {
	case ok && info.IsDir():
		s.folder(w, r, path)
	case ok && !strings.HasSuffix(path, "/"):
		s.Files.ServeHTTP(w, r)
	default:
		s.missing(w, r)
	}
}

// folder answers for a folder by one of its index files.
func (s *Scripts) folder(w http.ResponseWriter, r *http.Request, path string) {
	for _, name := range s.Index {
		index := strings.TrimSuffix(path, "/") + "/" + name
		info, root, ok := s.Look(index)
		switch {
		case !ok || !info.Mode().IsRegular():
		case !strings.HasSuffix(path, "/"):
			toFolder(w, r)
			return
		case s.isScript(name):
			s.run(w, r, index, "", root)
			return
		default:
			s.Files.ServeHTTP(w, r)
			return
		}
	}
	s.missing(w, r)
}

// toFolder sends the client to the path with a slash: relative links in the index would be
// wrong otherwise.
func toFolder(w http.ResponseWriter, r *http.Request) {
	to, status := r.URL.EscapedPath()+"/", http.StatusMovedPermanently
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		status = http.StatusPermanentRedirect // the method stays
	}
	h := w.Header()
	h["Location"], h["Content-Length"], h["Content-Type"] = []string{to}, []string{"0"}, nil
	w.WriteHeader(status)
}

// elsewhere is for a root that is not on this machine: names are all there is to see.
func (s *Scripts) elsewhere(w http.ResponseWriter, r *http.Request, path string) {
	switch script := s.cut(path); {
	case script != "":
		s.run(w, r, script, path[len(script):], s.Root)
	case strings.HasSuffix(path, "/") && len(s.Index) > 0 && s.Missing == "":
		s.run(w, r, path+s.Index[0], "", s.Root)
	default:
		s.missing(w, r)
	}
}

// missing answers for a path that names nothing.
func (s *Scripts) missing(w http.ResponseWriter, r *http.Request) {
	if s.Missing == "" {
		s.Pages.Write(w, r, http.StatusNotFound, "", 0)
		return
	}
	script, root := s.Prefix+s.Missing, s.Root
	if s.Look != nil {
		info, now, ok := s.Look(script)
		if !ok || !info.Mode().IsRegular() {
			s.Pages.Write(w, r, http.StatusNotFound, "", 0)
			return
		}
		root = now
	}
	s.run(w, r, script, "", root)
}

// run passes the request to Next, with its script.
func (s *Scripts) run(w http.ResponseWriter, r *http.Request, script, info, root string) {
	if s.Root != "" {
		root = s.Root
	}
	root = strings.TrimRight(root, "/")
	run := &Script{Path: script, Info: info, File: root + script[len(s.Prefix):], Root: root}
	s.Next.ServeHTTP(w, r.WithContext(WithScript(r.Context(), run)))
}
