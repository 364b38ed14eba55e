package dashboard

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	cookieName = "standpipe_dashboard"
	// lifetime is how long a login lasts.
	lifetime = 12 * time.Hour
	// maxEnded bounds the ended sessions that are remembered until they expire.
	maxEnded = 1024
)

// sessions makes and checks cookies. A cookie is a random id, its expiry, and a signature by a key that comes from the
// token: sessions outlive a restart of the server, and end with the token. Those that were ended are remembered by this
// process.
type sessions struct {
	key   [sha256.Size]byte
	token [sha256.Size]byte

	mu    sync.Mutex
	ended map[string]time.Time // id: its expiry
}

func newSessions(token string) *sessions {
	s := &sessions{token: sha256.Sum256([]byte(token)), ended: map[string]time.Time{}}
	m := hmac.New(sha256.New, []byte(token))
	m.Write([]byte("standpipe dashboard session"))
	m.Sum(s.key[:0])
	return s
}

// right reports whether a token is the token; the time that takes tells nothing.
func (s *sessions) right(token string) bool {
	given := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(given[:], s.token[:]) == 1
}

// create returns the value of a new cookie.
func (s *sessions) create(now time.Time) string {
	unsigned := rand.Text() + "." + strconv.FormatInt(now.Add(lifetime).Unix(), 36)
	return unsigned + "." + s.sign(unsigned)
}

func (s *sessions) sign(text string) string {
	m := hmac.New(sha256.New, s.key[:])
	m.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// read takes a cookie apart; ok: it is one of ours that has not expired.
func (s *sessions) read(value string, now time.Time) (id string, expires time.Time, ok bool) {
	i := strings.LastIndexByte(value, '.')
	if i < 0 || len(value) > 256 || !hmac.Equal([]byte(value[i+1:]), []byte(s.sign(value[:i]))) {
		return "", time.Time{}, false
	}
	id, at, _ := strings.Cut(value[:i], ".")
	unix, err := strconv.ParseInt(at, 36, 64)
	expires = time.Unix(unix, 0)
	return id, expires, err == nil && now.Before(expires)
}

// valid reports whether the cookie is that of a session.
func (s *sessions) valid(value string, now time.Time) bool {
	id, _, ok := s.read(value, now)
	if !ok {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ended := s.ended[id]
	return !ended
}

// end ends the session of the cookie.
func (s *sessions) end(value string, now time.Time) {
	id, expires, ok := s.read(value, now)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	oldest := id
	s.ended[id] = expires
	for other, at := range s.ended {
		switch {
		case !now.Before(at):
			delete(s.ended, other)
		case at.Before(s.ended[oldest]):
			oldest = other
		}
	}
	if len(s.ended) > maxEnded {
		delete(s.ended, oldest)
	}
}

func cookieOf(r *http.Request) string {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return ""
	}
	return c.Value
}

// setCookie sets the cookie for the folder of the request, or (empty) removes it. It has no Max-Age: it ends with the browser.
func setCookie(w http.ResponseWriter, r *http.Request, value string) {
	c := &http.Cookie{Name: cookieName, Value: value, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.Header.Get("X-Forwarded-Proto") == "https"}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}
