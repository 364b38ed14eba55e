package dashboard

import (
	"crypto/rand"
	"crypto/subtle"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxForm bounds the form of the login in bytes.
const maxForm = 4 << 10

// Sentences of the form. They are constants: nothing of a request gets into the document.
const (
	saysWrong = "That is not the token."
	saysSlow  = "Too many wrong tokens. Wait a moment, then try again."
	saysUsed  = "This link was used before. The command has printed a new one."
	saysOther = "The form of another page was refused."
)

// form is the form for the token. A link that works once logs in without it.
func (h *Handler) form(w http.ResponseWriter, r *http.Request) {
	link := r.URL.Query().Get("link")
	switch {
	case h.sessions == nil:
		redirect(w, "./")
	case link != "" && h.links.use(link):
		h.welcome(w, r)
		if h.o.Used != nil {
			h.o.Used()
		}
	case h.session(r):
		redirect(w, "./")
	case link != "":
		loginPage(w, http.StatusForbidden, saysUsed)
	default:
		loginPage(w, http.StatusOK, "")
	}
}

// login checks the token of the form.
func (h *Handler) login(w http.ResponseWriter, r *http.Request) {
	if h.sessions == nil {
		redirect(w, "./")
		return
	}
	if !ownOrigin(r) {
		loginPage(w, http.StatusForbidden, saysOther)
		return
	}
	client, now := clientOf(r), time.Now()
	if wait := h.guesses.wait(client, now); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		loginPage(w, http.StatusTooManyRequests, saysSlow)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if !h.sessions.right(strings.TrimSpace(r.PostFormValue("token"))) {
		h.guesses.wrong(client, now)
		if h.refusals.Allow(client, now) {
			h.o.Log.Warn("dashboard_refused", "peer", client)
		}
		loginPage(w, http.StatusForbidden, saysWrong)
		return
	}
	h.welcome(w, r)
}

// welcome begins a session.
func (h *Handler) welcome(w http.ResponseWriter, r *http.Request) {
	h.o.Log.Info("dashboard_login", "peer", clientOf(r))
	setCookie(w, r, h.sessions.create(time.Now()))
	redirect(w, "./")
}

// logout ends the session.
func (h *Handler) logout(w http.ResponseWriter, r *http.Request) {
	if h.sessions != nil && ownOrigin(r) {
		h.sessions.end(cookieOf(r), time.Now())
		setCookie(w, r, "")
	}
	redirect(w, "login")
}

// links are the one-time links of a command. The zero value has none.
type links struct {
	mu   sync.Mutex
	open string // empty: none
}

// NewLink is a path that logs in the first browser that asks for it; the one before ends.
func (h *Handler) NewLink() string {
	h.links.mu.Lock()
	defer h.links.mu.Unlock()
	h.links.open = rand.Text()
	return "/login?link=" + h.links.open
}

func (l *links) use(link string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == "" || subtle.ConstantTimeCompare([]byte(link), []byte(l.open)) != 1 {
		return false
	}
	l.open = ""
	return true
}
