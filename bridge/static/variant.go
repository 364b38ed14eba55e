package static

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/spool"
)

// Suffix is the suffix of a sibling's name (".br"); empty: there is no such coding.
func Suffix(coding string) string {
	for i := range codings {
		if codings[i] == coding {
			return suffixes[i]
		}
	}
	return ""
}

// Textual returns a function that reports whether a file's name has one of types.
func Textual(types httpx.TypeList) func(name string) bool {
	return func(name string) bool { return types.Has(typeOf(name)) }
}

// Encoder compresses whole files.
type Encoder interface {
	// Encode returns p in a content coding: "br", "zstd" or "gzip".
	Encode(coding string, p []byte) ([]byte, error)
}

// maxCompress is the largest file that is compressed here; bytes. Larger ones need a
// sibling.
const maxCompress = 8 << 20

// loadAll loads a file and its siblings.
func (h *Handler) loadAll(s *openMount, r *Root, name string, now time.Time) (*file, error) {
	f, err := s.load(r, name, &h.Cache.fds, now, false)
	if err != nil {
		return nil, err
	}
	if !h.Types.Has(f.kind) {
		f.prepared = f.prepare(nil)
		return f, nil
	}
	if s.Siblings {
		for i, suffix := range suffixes {
			if v := s.loadSibling(f, i, name+suffix, &h.Cache.fds, now); v != nil {
				f.siblings = append(f.siblings, v)
			}
		}
	}
	f.mayCompress = len(f.siblings) > 0 || h.compresses(s, f)
	f.prepared = f.prepare(nil)
	for _, v := range f.siblings {
		v.prepared = f.prepare(v)
	}
	return f, nil
}

// loadSibling loads a file that was compressed ahead. One that is older than its file is out
// of date. nil: there is none.
func (s *openMount) loadSibling(f *file, coding int, name string, fds *budget, now time.Time) *variant {
	sf, err := s.load(f.root, name, fds, now, true)
	if err != nil {
		return nil
	}
	if sf.info.ModTime().Before(f.info.ModTime()) {
		sf.close()
		return nil
	}
	tag := strings.TrimSuffix(sf.tag, `"`) + "-" + codings[coding] + `"`
	return &variant{coding: coding, file: sf, tag: tag, tagField: []string{tag}, lengthField: sf.lengthField}
}

// changedAny reports whether what is known of a file and its siblings is out of date.
func (h *Handler) changedAny(s *openMount, f *file, now time.Time) bool {
	if f.stale(now) {
		return true
	}
	if !s.Siblings || !h.Types.Has(f.kind) {
		return false
	}
	known := f.siblings
	for i, suffix := range suffixes {
		if len(known) > 0 && known[0].coding == i {
			if known[0].file.stale(now) {
				return true
			}
			known = known[1:]
			continue
		}
		st, err := f.root.stat(f.name+suffix, now)
		if err == nil && st.Mode().IsRegular() && !st.ModTime().Before(f.info.ModTime()) {
			return true
		}
	}
	return false
}

// compresses reports whether a file is compressed here when it has no sibling.
func (h *Handler) compresses(s *openMount, f *file) bool {
	return s.Compress && h.Encoder != nil && f.size >= h.MinSize && f.size <= maxCompress && h.Cache.most > 0
}

// represent chooses the variant of a file that the client gets; nil: the file as it is.
// Ranges are served of files only, not of bytes that are compressed now.
func (h *Handler) represent(s *openMount, f *file, r *http.Request) *variant {
	accept := r.Header["Accept-Encoding"]
	if len(accept) == 0 {
		return nil
	}
	if len(f.siblings) > 0 {
		var buf [3]string
		offers := buf[:0]
		for _, v := range f.siblings {
			offers = append(offers, codings[v.coding])
		}
		if i := httpx.PickEncoding(accept, offers); i >= 0 {
			return f.siblings[i]
		}
	}
	if !h.compresses(s, f) || r.Header["Range"] != nil {
		return nil
	}
	i := httpx.PickEncoding(accept, h.Codings)
	if i < 0 {
		return nil
	}
	for coding := range codings {
		if codings[coding] == h.Codings[i] {
			if v := h.compress(f, coding); v.body != nil {
				return v
			}
		}
	}
	return nil
}

// compress compresses a file, once. A variant without a body: it would save too little.
func (h *Handler) compress(f *file, coding int) *variant {
	if v := f.compressed[coding].Load(); v != nil {
		return v
	}
	f.compressing.Lock()
	defer f.compressing.Unlock()
	if v := f.compressed[coding].Load(); v != nil {
		return v
	}
	v := &variant{coding: coding}
	if p := f.contents(); p != nil {
		if out, err := h.Encoder.Encode(codings[coding], p); err == nil && len(out) < len(p)-len(p)/16 {
			v.body = out
		}
	}
	if v.body != nil {
		// Machines and releases may compress differently: weak (RFC 9110 8.8.3).
		v.tag = "W/" + strings.TrimPrefix(f.tag, "W/")
		v.tagField, v.lengthField = []string{v.tag}, []string{strconv.Itoa(len(v.body))}
		v.prepared = f.prepare(v)
	}
	f.compressed[coding].Store(v)
	h.Cache.keep(f, f, true)
	return v
}

// contents is the whole file; nil: it has changed, or cannot be read.
func (f *file) contents() []byte {
	if p := f.body.Load(); p != nil {
		return *p
	}
	osf, err := f.descriptor(time.Now())
	if err != nil {
		return nil
	}
	p := make([]byte, f.size)
	n, err := spool.DiskFile{File: osf}.ReadAt(p, 0)
	if err != nil && err != io.EOF || f.same(osf, n) != nil {
		osf.Close()
		return nil
	}
	f.fds.give(osf)
	return p
}
