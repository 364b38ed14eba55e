package rules

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// MaxVary bounds the fields that Vary may name. A response that names more is not stored.
const MaxVary = 32

// longest is the length to which a Selector's value is kept as it is.
const longest = 128

// exactly marks the value of a Selector that no choice stands for. No field has such a byte.
const exactly = 2

// Selector is a field that Vary names, with what the request had in it for which the response was made, in its normal form.
// No value of Cookie and Authorization is kept, and no long one: their sums are compared.
type Selector struct{ Name, Value string }

// Selectors returns what selects the answer among those of its URL (RFC 9111 4.1). all: Vary has "*", or cannot be
// obeyed: the answer is no other request's.
func Selectors(answer, request http.Header, s *Settings) (list []Selector, all bool) {
	lines := answer["Vary"]
	if varyAll(lines) {
		return nil, true
	}
	for name := range varyNames(lines) {
		name = textproto.CanonicalMIMEHeaderKey(name)
		if slices.ContainsFunc(list, func(x Selector) bool { return x.Name == name }) {
			continue
		}
		list = append(list, Selector{name, string(appendNormal(nil, name, request[name], s, chosenElse(name, answer, request[name], s)))})
	}
	return list, false
}

// chooses reports whether a choice stands for the field.
func chooses(name string, s *Settings) bool {
	return name == "Accept-Encoding" && len(s.Codings) > 0 || name == "Accept-Language" && len(s.Languages) > 0
}

// chosenElse reports whether the app has chosen another coding or language than the one that stands for the request: it chooses
// by rules of its own, and the answer is for the requests alone that say the same.
func chosenElse(name string, answer http.Header, lines []string, s *Settings) bool {
	if !chooses(name, s) {
		return false
	}
	if name == "Accept-Encoding" {
		has := textproto.TrimString(first(answer["Content-Encoding"]))
		return has != "" && !strings.EqualFold(has, pickCoding(lines, s.Codings))
	}
	has := textproto.TrimString(first(answer["Content-Language"]))
	return has != "" && !strings.EqualFold(has, pickLanguage(lines, s.Languages))
}

// pickCoding returns the coding that the client gets.
func pickCoding(lines, codings []string) string {
	if i := httpx.PickEncoding(lines, codings); i >= 0 {
		return codings[i]
	}
	return "identity"
}

// Matches reports whether the answer that has the selectors is one for the request.
func Matches(list []Selector, request http.Header, s *Settings) bool {
	var room [512]byte
	for i := range list {
		name, value := list[i].Name, list[i].Value
		exact := value != "" && value[0] == exactly && chooses(name, s)
		if string(appendNormal(room[:0], name, request[name], s, exact)) != value {
			return false
		}
	}
	return true
}

// varyNames returns the members of Vary.
func varyNames(lines []string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, line := range lines {
			for name := range strings.SplitSeq(line, ",") {
				if name = textproto.TrimString(name); name != "" && !yield(name) {
					return
				}
			}
		}
	}
}

// varyAll reports whether Vary has "*", something that is no field's name, or too many names.
func varyAll(lines []string) bool {
	n := 0
	for name := range varyNames(lines) {
		if n++; name == "*" || n > MaxVary || !httpx.IsToken(name) {
			return true
		}
	}
	return false
}

// appendNormal appends the normal form of a field's lines. Requests with the same one get the same answer. It is empty
// for a field that is not there, and a space for an empty one. exact: the choice among codings or languages is none.
func appendNormal(dst []byte, name string, lines []string, s *Settings, exact bool) []byte {
	switch {
	case exact:
		dst = append(dst, exactly)
	case !chooses(name, s):
	case name == "Accept-Encoding":
		return append(dst, pickCoding(lines, s.Codings)...)
	default:
		return append(dst, pickLanguage(lines, s.Languages)...)
	}
	if lines == nil {
		return dst
	}
	start := len(dst)
	secret := false
	switch name {
	case "Accept-Encoding", "Accept-Language", "Accept-Charset":
		dst = appendWeighted(dst, lines)
	case "Cookie":
		if dst = appendCookies(dst, lines, s.IgnoreCookies); len(dst) == start {
			return dst // as if there were none
		}
		secret = true
	case "Authorization", "Proxy-Authorization":
		dst, secret = appendLines(dst, lines), true
	case "User-Agent", "Referer", "Origin": // a comma in them is a part of them
		dst = appendLines(dst, lines)
	default:
		for i, line := range lines {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendList(dst, line)
		}
	}
	switch {
	case secret || len(dst)-start > longest:
		sum := sha256.Sum256(dst[start:])
		dst = append(dst[:start], 1) // no field has such a byte
		return base64.RawStdEncoding.AppendEncode(dst, sum[:])
	case len(dst) == start:
		return append(dst, ' ')
	}
	return dst
}

// appendLines appends lines as they are.
func appendLines(dst []byte, lines []string) []byte {
	for i, line := range lines {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, textproto.TrimString(line)...)
	}
	return dst
}

// appendList appends a list without the spaces around its commas (RFC 9110 5.6.1).
func appendList(dst []byte, line string) []byte {
	for {
		end := comma(line)
		dst = append(dst, textproto.TrimString(line[:end])...)
		if end == len(line) {
			return dst
		}
		dst, line = append(dst, ','), line[end+1:]
	}
}
