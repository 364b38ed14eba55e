package static

import (
	"strings"

	"github.com/standpipe/standpipe/bridge/content"
)

// withCharset is the Content-Type of a file. A charset in the field overrides the one that the
// file declares, so none is sent that may be wrong.
func (s *openMount) withCharset(kind string, beginning []byte, more bool) string {
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
