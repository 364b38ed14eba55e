package static

import (
	"bytes"
	"net/http"
)

// Values that all answers share; ways in only read them.
var (
	nosniffField = []string{"nosniff"}
	rangesField  = []string{"bytes"}
	varyField    = []string{"Accept-Encoding"}
	codingFields = [...][]string{{"br"}, {"zstd"}, {"gzip"}}
)

// prepared are the fields of answers with one representation of a file as lines of a head,
// but for those that the way in must know. They are made once: to make, clone, sort and write a
// map of them costs more than the rest of the answer.
type prepared struct {
	all   []byte // those of a 200
	fewer []byte // those of a 304: the first of them
}

// lines are the lines for that status; none: it has other fields.
func (rd *prepared) lines(status int) []byte {
	switch status {
	case http.StatusOK:
		return rd.all
	case http.StatusNotModified:
		return rd.fewer
	}
	return nil
}

// prepare makes the lines for f as it is (v nil) or a variant of it, whose fields are known.
func (f *file) prepare(v *variant) prepared {
	var b bytes.Buffer
	h := http.Header{}
	f.setKnown(h, v)
	_ = h.Write(&b) // a Buffer takes it
	few := b.Len()
	clear(h)
	f.setWhole(h, v)
	_ = h.Write(&b)
	all := bytes.Clone(b.Bytes())
	return prepared{all, all[:few:few]}
}

// setKnown sets the fields that a 200 and a 304 have.
func (f *file) setKnown(h http.Header, v *variant) {
	h["X-Content-Type-Options"] = nosniffField
	h["ETag"] = f.tagField
	if v != nil {
		h["ETag"] = v.tagField
	}
	h["Cache-Control"] = f.cacheField
	if f.mayCompress {
		h["Vary"] = varyField
	}
	if f.modifiedField != nil {
		h["Last-Modified"] = f.modifiedField
	}
	for _, a := range f.added {
		h[a.name] = append(h[a.name][:len(h[a.name]):len(h[a.name])], a.value)
	}
}

// setWhole sets those that only a 200 has.
func (f *file) setWhole(h http.Header, v *variant) {
	if v != nil {
		h["Content-Encoding"] = codingFields[v.coding]
	}
	if v == nil || v.file != nil { // ranges are served
		h["Accept-Ranges"] = rangesField
	}
}
