package static

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

const (
	// revalidate lets clients keep a file and revalidate it each time: a 304 is cheap.
	revalidate = "no-cache"
	// immutable is for names whose content cannot change (RFC 8246).
	immutable = "public, max-age=31536000, immutable"
	// maxProof bounds the files that are read to prove that their name contains their
	// hash; bytes.
	maxProof = 16 << 20
	// minProof is how many hex digits cannot be an accident: "20240131" is a date.
	minProof = 12
)

// Rule is a Cache-Control for some files.
type Rule struct {
	// Pattern is a media type ("image/*"), a path below the mount's URL that begins with
	// a slash ("/img/*", which matches all files below), or a file's name ("*.pdf").
	Pattern string
	// Value is the field's value.
	Value string
	// Expires adds an Expires field, that long after the answer; 0: none.
	Expires time.Duration
}

// matches reports whether the rule applies to a file.
func (r *Rule) matches(name, kind string) bool {
	switch p := r.Pattern; {
	case strings.HasPrefix(p, "/"):
		if prefix, ok := strings.CutSuffix(p, "/*"); ok && strings.HasPrefix("/"+name, prefix+"/") {
			return true
		}
		ok, _ := path.Match(p, "/"+name)
		return ok
	case strings.Contains(p, "/"):
		return httpx.TypeList{strings.ToLower(p)}.Has(kind)
	default:
		ok, _ := path.Match(p, path.Base(name))
		return ok
	}
}

// policy is the Cache-Control of a file, and its Expires.
func (s *openMount) policy(r *Root, name, kind string, f *os.File, size int64, now time.Time) (value string, expires time.Duration) {
	for i := range s.Rules {
		if rule := &s.Rules[i]; rule.matches(name, kind) {
			return rule.Value, rule.Expires
		}
	}
	if r.manifests.has(r, name, now) || provesItself(name, f, size) {
		return immutable, 0
	}
	if s.Cache != "" {
		return s.Cache, 0
	}
	return revalidate, 0
}

// provesItself reports whether a part of the file's name is the beginning of a hash of its
// content.
func provesItself(name string, f *os.File, size int64) bool {
	parts := hexParts(path.Base(name))
	if len(parts) == 0 || size > maxProof {
		return false
	}
	m, s1, s2 := md5.New(), sha1.New(), sha256.New()
	if n, err := io.Copy(hashing{io.MultiWriter(m, s1, s2)}, io.NewSectionReader(f, 0, size)); err != nil || n != size {
		return false
	}
	for _, sum := range [][]byte{m.Sum(nil), s1.Sum(nil), s2.Sum(nil)} {
		digits := hex.EncodeToString(sum)
		for _, p := range parts {
			if strings.HasPrefix(digits, p) {
				return true
			}
		}
	}
	return false
}

// hexParts are the parts of a name that may be a hash, in lower case.
func hexParts(base string) (parts []string) {
	for p := range strings.FieldsFuncSeq(base, func(c rune) bool { return c == '.' || c == '-' || c == '_' }) {
		if len(p) < minProof || len(p) > 64 {
			continue
		}
		p = strings.ToLower(p)
		if strings.Trim(p, "0123456789abcdef") == "" {
			parts = append(parts, p)
		}
	}
	return parts
}
