package static

import (
	"net/http"

	"github.com/standpipe/standpipe/bridge/content"
)

// representation is what of a file goes out: the file as it is, a sibling that was
// compressed ahead, or bytes that were compressed here.
type representation struct {
	known   *file
	variant *variant // nil: the file as it is
}

// pressed are bytes that were compressed here; nil: the bytes are those of a file.
func (p representation) pressed() []byte {
	if p.variant == nil {
		return nil
	}
	return p.variant.body
}

// file is the file whose bytes go out; it means nothing beside pressed.
func (p representation) file() *file {
	if p.variant != nil && p.variant.file != nil {
		return p.variant.file
	}
	return p.known
}

// size is how many bytes it has.
func (p representation) size() int64 {
	if body := p.pressed(); body != nil {
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

func (p representation) ready() *ready {
	if p.variant != nil {
		return &p.variant.ready
	}
	return &p.known.ready
}

// judge is the status that answers r, and the parts of a 206.
func (p representation) judge(r *http.Request) (status int, spans []content.Span) {
	valid := content.Validators{ETag: p.known.tag, Modified: p.known.modified, Weakened: p.known.mayPress}
	if p.variant != nil && p.variant.file != nil {
		valid.ETag = p.variant.tag
	} // else If-Match names the file, whose tag went out in both forms
	if status := valid.Evaluate(r.Header); status != 0 {
		return status, nil
	}
	if p.pressed() != nil { // a part is cut out of a file, not out of what was made of it
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
