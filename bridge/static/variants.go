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

// Suffix is what a sibling's name has behind the file's; empty: there is no such coding.
func Suffix(coding string) string {
	for i := range codings {
		if codings[i] == coding {
			return suffixes[i]
		}
	}
	return ""
}

// Textual reports of a file's name whether its type is one of types.
func Textual(types httpx.TypeList) func(name string) bool {
	return func(name string) bool { return types.Has(typeOf(name)) }
}

// Encoder compresses whole files.
type Encoder interface {
	// Encode returns p in a content coding: "br", "zstd" or "gzip".
	Encode(coding string, p []byte) ([]byte, error)
}

// pressMost is the largest file that is compressed here; octets. Larger ones want a
// sibling.
const pressMost = 8 << 20

// loadAll looks at a file and at its siblings.
func (h *Handler) loadAll(s *seat, r *Root, name string, now time.Time) (*file, error) {
	f, err := s.load(r, name, &h.Cache.fds, now, false)
	if err != nil {
		return nil, err
	}
	if !h.Types.Has(f.kind) {
		f.ready = f.readyOf(nil)
		return f, nil
	}
	if s.Siblings {
		for i, suffix := range suffixes {
			if v := s.loadSibling(f, i, name+suffix, &h.Cache.fds, now); v != nil {
				f.siblings = append(f.siblings, v)
			}
		}
	}
	f.mayPress = len(f.siblings) > 0 || h.presses(s, f)
	f.ready = f.readyOf(nil)
	for _, v := range f.siblings {
		v.ready = f.readyOf(v)
	}
	return f, nil
}

// loadSibling looks at a file that was compressed ahead. One that is older than what it
// stands for is of another day. nil: there is none.
func (s *seat) loadSibling(f *file, coding int, name string, fds *budget, now time.Time) *variant {
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
func (h *Handler) changedAny(s *seat, f *file, now time.Time) bool {
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

// presses reports whether a file is compressed here when it has no sibling.
func (h *Handler) presses(s *seat, f *file) bool {
	return s.Compress && h.Encoder != nil && f.size >= h.MinSize && f.size <= pressMost && h.Cache.most > 0
}

// represent chooses what of a file goes out; nil: the file as it is. A part is cut out
// of a file, not out of what is made of it now.
func (h *Handler) represent(s *seat, f *file, r *http.Request) *variant {
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
	if !h.presses(s, f) || r.Header["Range"] != nil {
		return nil
	}
	i := httpx.PickEncoding(accept, h.Codings)
	if i < 0 {
		return nil
	}
	for coding := range codings {
		if codings[coding] == h.Codings[i] {
			if v := h.press(f, coding); v.body != nil {
				return v
			}
		}
	}
	return nil
}

// press compresses a file, once. A variant without a body: it is not worth it.
func (h *Handler) press(f *file, coding int) *variant {
	if v := f.pressed[coding].Load(); v != nil {
		return v
	}
	f.pressing.Lock()
	defer f.pressing.Unlock()
	if v := f.pressed[coding].Load(); v != nil {
		return v
	}
	v := &variant{coding: coding}
	if p := f.octets(); p != nil {
		if out, err := h.Encoder.Encode(codings[coding], p); err == nil && len(out) < len(p)-len(p)/16 {
			v.body = out
		}
	}
	if v.body != nil {
		// Not the same octets on each machine and in each release: weak (RFC 9110 8.8.3).
		v.tag = "W/" + strings.TrimPrefix(f.tag, "W/")
		v.tagField, v.lengthField = []string{v.tag}, []string{strconv.Itoa(len(v.body))}
		v.ready = f.readyOf(v)
	}
	f.pressed[coding].Store(v)
	h.Cache.hold(f, f, true)
	return v
}

// octets is the whole file; nil: it has changed, or cannot be read.
func (f *file) octets() []byte {
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
