package static

import (
	"strings"

	"github.com/standpipe/standpipe/bridge/content"
)

// withCharset is a media type as it goes out. A charset in the field rules over what the
// file says of itself, so none is sent that may be wrong.
func (s *seat) withCharset(kind string, beginning []byte, more bool) string {
	if !strings.HasPrefix(kind, "text/") || strings.Contains(kind, ";") {
		return kind
	}
	switch {
	case s.Charset == NoCharset:
		return kind
	case s.Charset != "":
		return kind + "; charset=" + s.Charset
	case content.IsUTF8(beginning, more):
		return kind + "; charset=utf-8"
	}
	return kind
}
