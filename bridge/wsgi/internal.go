package wsgi

import (
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/bridge/content"
	"github.com/standpipe/standpipe/bridge/spool"
	"github.com/standpipe/standpipe/shim/wire"
)

// Internal maps what an app's X-Accel-Redirect may name to a folder. Clients do
// not reach it.
type Internal struct {
	// URL is the beginning of the paths: "/protected/".
	URL string
	// Dir is an absolute folder; what follows URL is looked for in it.
	Dir string
	// Fields are name, value, ... that answers with its files have, in place of the app's.
	Fields []string
}

// holds reports whether a path lies beneath URL, at a segment's boundary.
func (in *Internal) holds(path string) bool {
	at := strings.TrimSuffix(in.URL, "/")
	return strings.HasPrefix(path, at) && len(path) > len(at) && path[len(at)] == '/'
}

const (
	sendfileField = "X-Sendfile"
	accelField    = "X-Accel-Redirect"
)

// kept are the fields of the app's that go with a file of X-Accel-Redirect. Those
// of the body that it has given with it, and is not sent, would be wrong; nginx
// keeps the same ones.
var kept = []string{"Content-Type", "Content-Disposition", "Set-Cookie", "Cache-Control", "Expires", "Accept-Ranges"}

// passInternal sends the file that the app has named. Its own body is not read.
func (p *response) passInternal(a *attempt, raw *wire.Head, h head, name string) error {
	a.discard()
	var file *os.File
	var root string
	var in Internal
	var err error
	if name == sendfileField {
		file, root, err = p.o.openSendfile(raw.Get(name))
	} else {
		file, in, err = p.o.openInternal(raw.Get(name))
		root = in.Dir
	}
	var st fs.FileInfo
	if err == nil {
		defer file.Close()
		st, err = file.Stat()
	}
	if err == nil && !st.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	if err != nil {
		p.log.sendfileRefused(name, raw.Get(name), root, err)
		p.o.Pages.Write(p.w, p.r, http.StatusNotFound, "", 0)
		return nil
	}
	fields := slices.DeleteFunc(slices.Clone(raw.Fields), func(f wire.Field) bool {
		if name == accelField {
			return !slices.ContainsFunc(kept, func(k string) bool { return strings.EqualFold(k, f.Name) })
		}
		return strings.EqualFold(f.Name, name) || strings.EqualFold(f.Name, "Content-Encoding") || strings.EqualFold(f.Name, "Content-Range")
	})
	named := &wire.Head{Status: raw.Status, Fields: fields}
	p.setMap(fields)
	answer := fieldsOf(p.w)
	answer.describe(named, file, st)
	for c := range slices.Chunk(in.Fields, 2) {
		answer.drop(c[0])
		answer[http.CanonicalHeaderKey(c[0])] = []string{c[1]}
	}
	if h.status == http.StatusOK && (p.r.Method == http.MethodGet || p.r.Method == http.MethodHead) {
		if status := content.ValidatorsOf(answer.get).Evaluate(p.r.Header); status != 0 {
			endConditional(p.w, status)
			return nil
		}
	}
	send := fileAnswer{p, named, h, content.File{File: file}, st.Size()}
	return send.pass(st.Size())
}

// describe adds what the app has not said of the file.
func (f fields) describe(raw *wire.Head, file *os.File, st fs.FileInfo) {
	if raw.Get("Content-Type") == "" {
		kind, _, _ := strings.Cut(mime.TypeByExtension(filepath.Ext(st.Name())), ";")
		if kind == "" {
			kind = "application/octet-stream"
		}
		if strings.HasPrefix(kind, "text/") {
			head := make([]byte, content.CharsetLook)
			if n, _ := (spool.DiskFile{File: file}).ReadAt(head, 0); content.IsUTF8(head[:n], st.Size() > int64(n)) { // what cannot be read says nothing
				kind += "; charset=utf-8"
			}
		}
		f.drop("Content-Type")
		f["Content-Type"] = []string{kind}
	}
	if raw.Get("Last-Modified") == "" {
		f["Last-Modified"] = []string{st.ModTime().UTC().Format(http.TimeFormat)}
	}
	if raw.Get("ETag") == "" {
		f["ETag"] = []string{`"` + strconv.FormatInt(st.ModTime().UnixNano(), 36) + "-" + strconv.FormatInt(st.Size(), 36) + `"`}
	}
}

// endConditional answers 304 or 412 (RFC 9110 15.4.5, 15.5.13).
func endConditional(w http.ResponseWriter, status int) {
	fieldsOf(w).drop("Content-Type", "Content-Disposition")
	h := w.Header()
	h["Content-Type"] = nil
	if status == http.StatusPreconditionFailed {
		h["Content-Length"] = []string{"0"}
	}
	w.WriteHeader(status)
}

var errOutside = errors.New("it is in none of the folders that are open to it")

// openSendfile opens an absolute path beneath one of the roots. root is the one
// that was tried last.
func (o *Options) openSendfile(name string) (f *os.File, root string, err error) {
	if !filepath.IsAbs(name) {
		return nil, strings.Join(o.SendfileRoots, ","), errors.New("the path is not absolute")
	}
	err = errOutside
	for _, root = range o.SendfileRoots {
		rel, ok := within(root, name)
		if !ok { // an app knows its own folder without the links on the way to it
			if root, ok = realDir(root); ok {
				rel, ok = within(root, name)
			}
		}
		if !ok {
			continue
		}
		if f, err = openIn(root, rel); err == nil {
			return f, root, nil
		}
	}
	if err == errOutside {
		root = strings.Join(o.SendfileRoots, ",")
	}
	return nil, root, err
}

func within(root, name string) (rel string, ok bool) {
	rel, err := filepath.Rel(root, name)
	return rel, err == nil && filepath.IsLocal(rel)
}

func realDir(dir string) (real string, ok bool) {
	real, err := filepath.EvalSymlinks(dir)
	return real, err == nil && real != dir
}

// openInternal opens what the path of a URI means by the longest prefix.
func (o *Options) openInternal(uri string) (f *os.File, in Internal, err error) {
	raw, _, _ := strings.Cut(uri, "?")
	name, err := url.PathUnescape(raw)
	if err != nil {
		return nil, in, fmt.Errorf("its path cannot be decoded: %w", err)
	}
	var best *Internal
	for i := range o.Internal {
		if in := &o.Internal[i]; in.holds(name) && (best == nil || len(in.URL) > len(best.URL)) {
			best = in
		}
	}
	if best == nil {
		return nil, in, errors.New("no [[internal]] has a url that it begins with")
	}
	if slices.Contains(strings.Split(name, "/"), "..") {
		return nil, *best, errors.New("it holds a .. segment")
	}
	rel := filepath.FromSlash(path.Clean(strings.TrimLeft(name[len(best.URL):], "/")))
	f, err = openIn(best.Dir, rel)
	return f, *best, err
}

// openIn opens a file beneath dir, whatever links are in its way.
func openIn(dir, rel string) (*os.File, error) {
	defer spool.Disk()()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.OpenFile(rel, os.O_RDONLY|nonBlocking, 0) // a FIFO must not hold us
}
