package forwarded

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/bridge/cgi"
)

// Fields are the fields of a trusted proxy that count. A proxy passes on fields that it does not write, so the client
// chooses the value of each field that counts and is not written. The nil Fields are DefaultFields.
type Fields struct {
	client, proto, host, port, prefix, id bool

	forwarded bool     // client, proto and host are taken from Forwarded (RFC 7239), not from X-Forwarded-*
	more      []string // further fields of addressFields and schemeFields
	words     []string // as they were given
}

// DefaultFields are those that nearly every proxy's usual configuration writes.
var DefaultFields = []string{"for", "proto"}

var defaultFields = &Fields{client: true, proto: true, words: DefaultFields}

var addressFields, schemeFields = cgi.AddressFields, cgi.SchemeFields

// ParseFields reads trusted_fields: the words for, proto, host, port, prefix, id and forwarded, or a field's own name.
func ParseFields(items []string) (*Fields, error) {
	f := &Fields{words: items}
	for _, item := range items {
		switch word := FieldWord(item); word {
		case "for":
			f.client = true
		case "proto":
			f.proto = true
		case "host":
			f.host = true
		case "port":
			f.port = true
		case "prefix":
			f.prefix = true
		case "id":
			f.id = true
		case "forwarded":
			f.forwarded = true
		default:
			name := http.CanonicalHeaderKey(word)
			if !slices.Contains(addressFields, name) && !slices.Contains(schemeFields, name) {
				return nil, fmt.Errorf("%q is not one of for, proto, host, port, prefix, id, forwarded, or a field such as X-Real-IP", item)
			}
			f.more = append(f.more, name)
		}
	}
	if f.forwarded && !f.client && !f.proto && !f.host {
		return nil, fmt.Errorf("forwarded names the field, not what of it counts; write for,proto,forwarded")
	}
	return f, nil
}

// ID reports that the request id of a trusted proxy counts.
func (f *Fields) ID() bool { return f != nil && f.id }

// FieldWord is an item of trusted_fields in its one spelling: the word of a field that has one, else the field's name in
// lower case.
func FieldWord(item string) string {
	word := strings.ToLower(strings.TrimSpace(item))
	switch word {
	case "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix":
		return strings.TrimPrefix(word, "x-forwarded-")
	case "x-request-id":
		return "id"
	}
	return word
}

// Named are the fields that count by their own names: those of the client's address and those of its scheme.
func (f *Fields) Named() (addresses, schemes []string) {
	for _, name := range f.more {
		if slices.Contains(addressFields, name) {
			addresses = append(addresses, usual.Replace(name))
		} else {
			schemes = append(schemes, usual.Replace(name))
		}
	}
	return addresses, schemes
}

// usual writes the known fields as their users do.
var usual = strings.NewReplacer("-Ip", "-IP", "Cf-", "CF-", "Url-", "URL-")

// counts reports whether a field for which claim is true counts.
func (f *Fields) counts(field string) bool {
	switch field {
	case "Forwarded":
		return f.forwarded
	case "X-Forwarded-For":
		return f.client && !f.forwarded
	case "X-Forwarded-Proto":
		return f.proto && !f.forwarded
	case "X-Forwarded-Host":
		return f.host && !f.forwarded
	case "X-Forwarded-Port":
		return f.port
	case "X-Forwarded-Prefix":
		return f.prefix
	}
	if slices.Contains(addressFields, field) || slices.Contains(schemeFields, field) {
		return slices.Contains(f.more, field)
	}
	return true // X-Forwarded-User and the like are between proxy and app
}

// Ignored are the known fields that do not count, as they are usually written.
func (f *Fields) Ignored() (list []string) {
	for _, name := range slices.Concat([]string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Request-ID"}, addressFields, schemeFields) {
		if name == "X-Request-ID" && !f.id || name != "X-Request-ID" && !f.counts(name) {
			list = append(list, usual.Replace(name))
		}
	}
	return list
}

// with are the words that would make the fields count too.
func (f *Fields) with(fields []string) string {
	words := slices.Clone(f.words)
	for _, word := range fields {
		if word == "Forwarded" && len(fields) > 1 {
			continue // it would replace the others
		}
		if word == "Forwarded" || !slices.Contains(schemeFields, word) && strings.HasPrefix(word, "X-Forwarded-") {
			word = strings.ToLower(strings.TrimPrefix(word, "X-Forwarded-"))
		}
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return strings.Join(words, ",")
}
