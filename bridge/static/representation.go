package static

import (
	"net/http"

	"github.com/standpipe/standpipe/bridge/content"
)

// representation is what a client gets for a file: the file as it is, a sibling that was
// compressed ahead, or bytes that were compressed here.
type representation struct {
	known   *file
	variant *variant // nil: the file as it is
}

// compressed are the bytes that were compressed here; nil: a file is sent.
func (p representation) compressed() []byte {
	if p.variant == nil {
		return nil
	}
	return p.variant.body
}

// file is the file that is sent, unless compressed is.
func (p representation) file() *file {
	if p.variant != nil && p.variant.file != nil {
		return p.variant.file
	}
	return p.known
}

// size is how many bytes it has.
func (p representation) size() int64 {
	if body := p.compressed(); body != nil {
		return int64(len(body))
	}
	return p.file().size
}

func (p representation) lengthField() []string {
	if p.variant != nil {
		return p.variant.lengthField
	}
	return p.known.lengthField
}

func (p representation) prepared() *prepared {
	if p.variant != nil {
		return &p.variant.prepared
	}
	return &p.known.prepared
}

// judge is the status that answers r, and the parts of a 206.
func (p representation) judge(r *http.Request) (status int, spans []content.Span) {
	valid := content.Validators{ETag: p.known.tag, Modified: p.known.modified, Weakened: p.known.mayCompress}
	if p.variant != nil && p.variant.file != nil {
		valid.ETag = p.variant.tag
	} // else If-Match names the file, whose tag went out in both forms
	if status := valid.Evaluate(r.Header); status != 0 {
		return status, nil
	}
	if p.compressed() != nil { // ranges are served of files only
		return http.StatusOK, nil
	}
	spans, err := valid.Ranges(r, p.size())
	switch {
	case err != nil:
		return http.StatusRequestedRangeNotSatisfiable, nil
	case len(spans) > 0:
		return http.StatusPartialContent, spans
	}
	return http.StatusOK, nil
}
