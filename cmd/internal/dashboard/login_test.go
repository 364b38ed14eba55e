package dashboard

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The cookie is out of reach of scripts and of other sites, and it has nothing of the token.
func TestCookie(t *testing.T) {
	r := newRig(Options{Token: token})
	rec := r.try(" " + token + "\n")
	c := rec.Result().Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure || c.Path != "" || c.Domain != "" || c.MaxAge != 0 || !c.Expires.IsZero() {
		t.Errorf("%+v", c)
	}
	if strings.Contains(c.Value, token) {
		t.Errorf("the token is in the cookie")
	}
	if c := r.try(token, "X-Forwarded-Proto: https").Result().Cookies()[0]; !c.Secure {
		t.Errorf("over HTTPS: %+v", c)
	}
	if rec.Code != 303 || rec.Header().Get("Location") != "./" {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
	if strings.Contains(r.log.String(), token) || !strings.Contains(r.log.String(), "dashboard_login") {
		t.Errorf("the log: %s", r.log.String())
	}
}

// A session ends by logout, by time, and with the token; it does not end with the process.
func TestSessionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(Options{Token: token})
		reads := func(r *rig, cookie string) bool { return r.do("GET", "/api/history", "", cookie).Code == 200 }
		one, two := r.login(t), r.login(t)
		if !reads(r, one) || !reads(r, two) || !reads(newRig(Options{Token: token}), one) || reads(newRig(Options{Token: token + "0"}), one) {
			t.Error("sessions belong to a token")
		}
		if rec := r.do("POST", "/logout", "", one); rec.Code != 303 || !reads(r, one) {
			t.Error("the logout of another page counts")
		}
		rec := r.do("POST", "/logout", "", one, own)
		if c := rec.Result().Cookies(); len(c) != 1 || c[0].MaxAge >= 0 || reads(r, one) || !reads(r, two) {
			t.Errorf("after the logout: %v", rec.Header())
		}
		time.Sleep(lifetime - time.Second)
		if !reads(r, two) {
			t.Error("too early")
		}
		time.Sleep(2 * time.Second)
		if reads(r, two) {
			t.Error("it lasts too long")
		}
	})
	for _, bad := range []string{"", ".", "..", "a.b.c", "x" + strings.Repeat(".", 300)} {
		if newSessions(token).valid(bad, time.Now()) {
			t.Errorf("%q is valid", bad)
		}
	}
}

// Ended sessions are forgotten when they have expired, and are bounded.
func TestEndedSessionsAreBounded(t *testing.T) {
	s := newSessions(token)
	now := time.Now()
	for i := range maxEnded + 50 {
		s.end(s.create(now.Add(time.Duration(i)*time.Second)), now)
	}
	if len(s.ended) > maxEnded+1 {
		t.Errorf("%d", len(s.ended))
	}
	last := s.create(now.Add(24 * time.Hour))
	s.end(last, now.Add(24*time.Hour))
	if len(s.ended) != 1 || s.valid(last, now.Add(24*time.Hour)) {
		t.Errorf("%d", len(s.ended))
	}
}

// Wrong tokens are slowed down for each client, and for all; the right one in the meantime, too.
func TestWrongTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(Options{Token: token})
		tries := func(token, from string) int { return r.try(token, "From: "+from+":1").Code }
		for range clientBurst {
			if code := tries("wrong", "192.0.2.1"); code != 403 {
				t.Fatal(code)
			}
		}
		if code := tries(token, "192.0.2.1"); code != 429 {
			t.Errorf("after %d wrong tokens: %d", clientBurst, code)
		}
		if rec := r.try(token, "From: 192.0.2.1:1"); rec.Header().Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		if code := tries(token, "192.0.2.2"); code != 303 {
			t.Errorf("another client: %d", code)
		}
		time.Sleep(clientEvery)
		if code := tries("wrong", "192.0.2.1"); code != 403 {
			t.Errorf("after a pause: %d", code)
		}
		if code := tries(token, "192.0.2.1"); code != 429 {
			t.Errorf("after the next: %d", code)
		}
		if n := strings.Count(r.log.String(), "dashboard_refused"); n != 1 || strings.Contains(r.log.String(), "wrong ") {
			t.Errorf("%d records:\n%s", n, r.log.String())
		}
		for i := range allBurst {
			tries("wrong", "198.51.100."+string(rune('0'+i%10))+string(rune('0'+i/10%10)))
		}
		if code := tries(token, "203.0.113.9"); code != 429 {
			t.Errorf("many clients: %d", code)
		}
		time.Sleep(allBurst * allEvery)
		if code := tries(token, "203.0.113.9"); code != 303 {
			t.Errorf("at the end: %d", code)
		}
	})
}

func TestGuessesAreBounded(t *testing.T) {
	var g guesses
	now := time.Now()
	for i := range 4 * maxGuessers {
		g.wrong(string(rune('a'+i%26))+time.Duration(i).String(), now)
	}
	if len(g.clients) > maxGuessers {
		t.Errorf("%d", len(g.clients))
	}
	g.wrong("later", now.Add(time.Hour))
	if len(g.clients) != 1 {
		t.Errorf("%d after all were forgotten", len(g.clients))
	}
	if network("2001:db8::1") != network("2001:db8::2") || network("2001:db8:0:1::1") == network("2001:db8::1") || network("::ffff:192.0.2.1") == network("::ffff:192.0.2.2") {
		t.Error("networks")
	}
}

// A proxy on this machine says who the client is; another machine cannot.
func TestClientOf(t *testing.T) {
	for _, c := range []struct{ from, forwarded, want string }{
		{"127.0.0.1:1", "", "127.0.0.1"}, {"127.0.0.1:1", "192.0.2.1", "192.0.2.1"}, {"127.0.0.1:1", "192.0.2.9, 192.0.2.1", "192.0.2.1"},
		{"192.0.2.7:1", "192.0.2.1", "192.0.2.7"}, {"127.0.0.1:1", "192.0.2.1, x", "127.0.0.1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.from
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := clientOf(r); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// The form of a page elsewhere cannot log a browser in.
func TestLoginOfAnotherPage(t *testing.T) {
	r := newRig(Options{Token: token})
	for _, fields := range [][]string{{"Origin: http://evil.test"}, {}, {"Sec-Fetch-Site: cross-site", own}, {"Origin: null"}} {
		rec := r.do("POST", "/login", "token="+token, append(fields, "Content-Type: application/x-www-form-urlencoded")...)
		if rec.Code != 403 || len(rec.Result().Cookies()) > 0 {
			t.Errorf("%q: %d", fields, rec.Code)
		}
	}
	if rec := r.try(strings.Repeat("x", maxForm)); rec.Code != 403 {
		t.Errorf("a large form: %d", rec.Code)
	}
}

// A link logs in one browser; the next link ends the one before.
func TestLinks(t *testing.T) {
	used := 0
	r := newRig(Options{Token: token, Local: true, Used: func() { used++ }})
	first := r.h.NewLink()
	if rec := r.do("GET", first+"x", ""); rec.Code != 403 {
		t.Errorf("a wrong link: %d", rec.Code)
	}
	rec := r.do("GET", first, "")
	if c := rec.Result().Cookies(); rec.Code != 303 || len(c) != 1 || used != 1 {
		t.Fatalf("%d %v, used %d", rec.Code, rec.Header(), used)
	}
	if rec := r.do("GET", first, ""); rec.Code != 403 || len(rec.Result().Cookies()) > 0 || used != 1 {
		t.Errorf("again: %d", rec.Code)
	}
	second, third := r.h.NewLink(), r.h.NewLink()
	if r.do("GET", second, "").Code != 403 || r.do("GET", third, "").Code != 303 {
		t.Error("the last link counts")
	}
	if rec := r.do("GET", "/login?link=", ""); rec.Code != 200 {
		t.Errorf("no link: %d", rec.Code)
	}
}

// What a request says never gets into a document.
func TestNothingOfARequestIsShown(t *testing.T) {
	r := newRig(Options{Token: token})
	const odd = "zzyzx"
	for _, rec := range []*httptest.ResponseRecorder{r.do("GET", "/login?link="+odd, ""), r.try(odd), r.do("GET", "/"+odd, ""), r.do("GET", "/login", "", "Host: "+odd)} {
		if strings.Contains(rec.Body.String(), odd) {
			t.Errorf("%s", rec.Body)
		}
	}
}
