package http1

import (
	"bytes"
	"net/textproto"
)

func indexByte(b []byte, c byte) int { return bytes.IndexByte(b, c) }

// kind says whether this server itself obeys a field.
type kind uint8

const (
	plain kind = iota
	hostField
	lengthField
	codingField
	connectionField
	expectField
	trailerField
)

// knownName is a usual field name.
type knownName struct {
	canonical string // net/http's form
	lower     string
	kind      kind
}

// buckets finds a usual name by its length and its first and last bytes. Never written to
// after init.
var buckets = func() (t [256][]*knownName) {
	kinds := map[string]kind{"Host": hostField, "Content-Length": lengthField, "Transfer-Encoding": codingField, "Connection": connectionField,
		"Expect": expectField, "Trailer": trailerField}
	for _, name := range [...]string{
		"Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Connection", "Content-Encoding",
		"Content-Language", "Content-Length", "Content-Type", "Cookie", "Date", "Dnt", "Expect", "Forwarded", "Host", "If-Match", "If-Modified-Since",
		"If-None-Match", "If-Range", "If-Unmodified-Since", "Keep-Alive", "Origin", "Pragma", "Priority", "Proxy-Connection", "Range", "Referer",
		"Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User", "Sec-Gpc",
		"Sec-Websocket-Extensions", "Sec-Websocket-Key", "Sec-Websocket-Protocol", "Sec-Websocket-Version", "Te", "Traceparent", "Tracestate",
		"Trailer", "Transfer-Encoding", "Upgrade", "Upgrade-Insecure-Requests", "User-Agent", "Via", "X-Csrf-Token", "X-Forwarded-For",
		"X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Real-Ip", "X-Request-Id", "X-Requested-With",
	} {
		k := &knownName{name, string(bytes.ToLower([]byte(name))), kinds[name]}
		t[bucket(name)] = append(t[bucket(name)], k)
	}
	return t
}()

// bucket takes no account of case.
func bucket(name string) uint8 {
	n := len(name)
	return uint8(n)*31 + (name[0]|0x20)*7 + (name[n-1] | 0x20)
}

// lookup returns the entry of a usual name in any case; nil: it is another name.
func lookup(name string) *knownName {
	if name == "" {
		return nil
	}
	for _, k := range buckets[bucket(name)] {
		if name == k.canonical || name == k.lower || len(name) == len(k.lower) && foldedEqual(name, k.lower) {
			return k
		}
	}
	return nil
}

// foldedEqual compares a name with one in lower case, ASCII only: strings.EqualFold would take
// the Kelvin sign for a k.
func foldedEqual(name, lower string) bool {
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// equalFold compares a word with one in lower case, in ASCII alone.
func equalFold(s, lower string) bool { return len(s) == len(lower) && foldedEqual(s, lower) }

// canonical is the name in net/http's form.
func (f *field) canonical() string {
	if f.known != nil {
		return f.known.canonical
	}
	return textproto.CanonicalMIMEHeaderKey(f.name)
}
