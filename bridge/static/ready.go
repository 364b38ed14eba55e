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

// ready are the fields of all answers with one representation of a file, but for those
// that net/http has to know of: made once, as a map of fields costs several times what
// the file's look-up does.
type ready struct {
	fields []field // those of a 304 first
	few    int     // how many those are
	all    []byte  // the lines of a 200
	fewer  []byte  // those of a 304
}

type field struct {
	name   string
	values []string
}

// makeReady makes the fields of f as it is (v nil), or of a variant of it. What f says
// of itself is known by then.
func (f *file) makeReady(v *variant) {
	rd, tag := &f.ready, f.tagField
	if v != nil {
		rd, tag = &v.ready, v.tagField
	}
	*rd = ready{fields: []field{{"X-Content-Type-Options", nosniffField}, {"Etag", tag}, {"Cache-Control", f.cacheField}}}
	add := func(name string, values []string) { rd.fields = append(rd.fields, field{name, values}) }
	if f.mayPress {
		add("Vary", varyField)
	}
	if f.modifiedField != nil {
		add("Last-Modified", f.modifiedField)
	}
	rd.few = len(rd.fields)
	if v != nil {
		add("Content-Encoding", codingFields[v.coding])
	}
	if v == nil || v.file != nil { // ranges of it can be had
		add("Accept-Ranges", rangesField)
	}
	var b bytes.Buffer
	for i, one := range rd.fields {
		_ = http.Header{one.name: one.values}.Write(&b) // a Buffer takes it
		if i == rd.few-1 {
			rd.fewer = b.Bytes()
		}
	}
	rd.all = b.Bytes()
	rd.fewer = rd.all[:len(rd.fewer)]
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

// set puts the fields into h, for who cannot send lines.
func (rd *ready) set(h http.Header, status int) {
	fields := rd.fields
	if status == http.StatusNotModified {
		fields = fields[:rd.few]
	}
	for _, one := range fields {
		if one.name == "Accept-Ranges" && status == http.StatusPartialContent { // which says so itself
			continue
		}
		h[one.name] = one.values
	}
}
