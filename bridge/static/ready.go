package static

import (
	"bytes"
	"net/http"
)

// Values that all answers share; net/http only reads them.
var (
	nosniffField = []string{"nosniff"}
	rangesField  = []string{"bytes"}
	varyField    = []string{"Accept-Encoding"}
	codingFields = [...][]string{{"br"}, {"zstd"}, {"gzip"}}
)

// ready are the fields of all answers with one representation of a file as lines of a
// head, but for those that net/http has to know of. Made once: a map of them that is
// made, cloned, sorted and written costs more than all else that is done here.
type ready struct {
	all   []byte // those of a 200
	fewer []byte // those of a 304: the first of them
}

// lines are those of an answer with that status; none: it has other fields.
func (rd *ready) lines(status int) []byte {
	switch status {
	case http.StatusOK:
		return rd.all
	case http.StatusNotModified:
		return rd.fewer
	}
	return nil
}

// readyOf makes the lines for f as it is (v nil) or a variant of it. What they say is
// known by then.
func (f *file) readyOf(v *variant) ready {
	var b bytes.Buffer
	h := http.Header{}
	f.setKnown(h, v)
	_ = h.Write(&b) // a Buffer takes it
	few := b.Len()
	clear(h)
	f.setWhole(h, v)
	_ = h.Write(&b)
	all := bytes.Clone(b.Bytes())
	return ready{all, all[:few:few]}
}

// setKnown sets the fields that a 304 has, too.
func (f *file) setKnown(h http.Header, v *variant) {
	h["X-Content-Type-Options"] = nosniffField
	h["ETag"] = f.tagField
	if v != nil {
		h["ETag"] = v.tagField
	}
	h["Cache-Control"] = f.cacheField
	if f.mayPress {
		h["Vary"] = varyField
	}
	if f.modifiedField != nil {
		h["Last-Modified"] = f.modifiedField
	}
	for _, a := range f.added {
		h[a.name] = append(h[a.name][:len(h[a.name]):len(h[a.name])], a.value)
	}
}

// setWhole sets those that only an answer with octets has.
func (f *file) setWhole(h http.Header, v *variant) {
	if v != nil {
		h["Content-Encoding"] = codingFields[v.coding]
	}
	if v == nil || v.file != nil { // ranges of it can be had
		h["Accept-Ranges"] = rangesField
	}
}
