package access

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/standpipe/standpipe/integration/testauth"
)

func argon2Of(password string) string {
	salt := []byte("12345678")
	sum := argon2.IDKey([]byte(password), salt, 1, 64, 1, 32)
	return fmt.Sprintf("$argon2id$v=19$m=64,t=1,p=1$%s$%s", base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

func TestPasswordFiles(t *testing.T) {
	t.Parallel()
	bcrypt := testauth.Bcrypt(t, "secret")
	for text, want := range map[string]string{ // part of the error; empty: none
		"joe:" + bcrypt + "\n# comment\n\nann:" + argon2Of("x") + ":a comment": "",
		"joe:" + bcrypt + "\njoe:" + bcrypt:                                    ":2: duplicate user",
		"joe:$apr1$x$y":                                                        "MD5",
		"joe:$1$x$y":                                                           "MD5",
		"joe:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=":                                "SHA-1",
		"joe:$6$x$y":                                                           "SHA-2",
		"joe:rl.3StKT.4T8M":                                                    "crypt",
		"joe:secret":                                                           "htpasswd -B",
		"joe":                                                                  "USER:HASH",
		":" + bcrypt:                                                           "name",
		"j\x00e:" + bcrypt:                                                     "name",
		"joe:" + bcrypt[:59]:                                                   "bcrypt",
		"joe:" + bcrypt[:59] + "!":                                             "bcrypt",
		"joe:" + strings.Replace(bcrypt, "$04$", "$31$", 1):             "cost",
		"joe:" + strings.Replace(argon2Of("x"), "m=64", "m=4194304", 1): "possible are",
		"joe:" + strings.Replace(argon2Of("x"), "p=1", "p=0", 1):        "possible are",
		"joe:$argon2i$v=19$m=64,t=1,p=1$MTIzNDU2Nzg$MTIzNDU2Nzg":        "argon2id is",
		"joe:$argon2id$v=19$m=64,t=1,p=1$MTIzNDU2Nzg$MTI":               "is none",
		"# nobody\n": "no users",
	} {
		err := CheckPasswords(write(t, "users", text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		if _, after, ok := strings.Cut(text, ":$"); ok && err != nil && len(after) > 20 && strings.Contains(err.Error(), after) {
			t.Errorf("%q: the error has the hash: %v", text, err)
		}
	}
}

func FuzzPasswords(f *testing.F) {
	f.Add("joe:$2y$04$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZabcdef")
	f.Add("ann:" + argon2Of("x"))
	f.Fuzz(func(t *testing.T, text string) {
		p, err := readPasswords("users", strings.NewReader(text))
		if err != nil {
			return
		}
		for user := range p.users {
			if a, ok := p.users[user].(*argon2Hash); user == "" || ok && (a.memory > maxMemory || a.rounds > maxRounds || a.threads == 0) {
				t.Fatalf("%q has %+v", user, p.users[user])
			}
		}
	})
}

func withPassword(user, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(user, password) }
}

func (r *rig) basic(t testing.TB, text string, pass bool) *Basic {
	t.Helper()
	b, err := NewBasic(BasicOptions{File: write(t, "users", text), Realm: "Admin", Pass: pass, Hashing: NewHashing()}, r.files.Open())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (r *rig) extra(name string) (value string) {
	for _, v := range r.info.Extra {
		if v.Name == name {
			value += v.Value
		}
	}
	return value
}

func TestBasic(t *testing.T) {
	t.Parallel()
	for _, hash := range []string{testauth.Bcrypt(t, "secret"), argon2Of("secret")} {
		r := newRig()
		r.o.Tables = []*Table{{Name: "/", Basic: r.basic(t, "joe:"+hash+"\n", false)}}
		w := r.ask("192.0.2.1")
		if w.Code != 401 || r.seen != nil || w.Header().Get("WWW-Authenticate") != `Basic realm="Admin", charset="UTF-8"` {
			t.Errorf("without a password: %d %v", w.Code, w.Header())
		}
		for range 2 { // the second time it is known
			if w := r.ask("192.0.2.1", withPassword("joe", "secret")); w.Code != 200 || r.extra("REMOTE_USER") != "joe" || r.extra("AUTH_TYPE") != "Basic" || r.seen.Header.Get("Authorization") != "" {
				t.Errorf("the right one: %d %v %v", w.Code, r.info.Extra, r.seen)
			}
		}
		for _, wrong := range []func(*http.Request){
			withPassword("joe", "Secret"), withPassword("joe", ""), withPassword("ann", "secret"), withPassword("", "secret"), withPassword("joe", strings.Repeat("x", maxPassword+1)),
			func(q *http.Request) { q.Header.Set("Authorization", "Bearer x") }, func(q *http.Request) { q.Header.Set("Authorization", "Basic !!") },
			func(q *http.Request) { q.SetBasicAuth("joe", "secret"); q.Header.Add("Authorization", "Basic x") },
		} {
			if w := r.ask("192.0.2.1", wrong); w.Code != 401 || r.seen != nil || r.extra("REMOTE_USER") != "" {
				t.Errorf("a wrong one: %d", w.Code)
			}
		}
		if n := r.count("auth_failed"); n != 1 || r.count("secret") != 0 {
			t.Errorf("%d records of wrong passwords", n)
		}
		r.o.Tables[0].Basic = r.basic(t, "joe:"+hash+"\n", true)
		r.ask("192.0.2.1", withPassword("joe", "secret"))
		if r.seen == nil || r.seen.Header.Get("Authorization") == "" {
			t.Error("pass_authorization: the field is gone")
		}
	}
}

func TestSatisfy(t *testing.T) {
	t.Parallel()
	r := newRig()
	table := r.lists(t, Lists{Allow: []string{"10.0.0.0/8"}})
	table.Basic = r.basic(t, "joe:"+testauth.Bcrypt(t, "secret")+"\n", false)
	r.o.Tables = []*Table{table}
	for _, c := range []struct {
		any    bool
		client string
		right  bool
		want   int
	}{
		{false, "10.0.0.1", true, 200}, {false, "10.0.0.1", false, 401}, {false, "192.0.2.1", true, 403}, {false, "192.0.2.1", false, 403},
		{true, "10.0.0.1", true, 200}, {true, "10.0.0.1", false, 200}, {true, "192.0.2.1", true, 200}, {true, "192.0.2.1", false, 401},
	} {
		table.Any = c.any
		password := "wrong"
		if c.right {
			password = "secret"
		}
		if w := r.ask(c.client, withPassword("joe", password)); w.Code != c.want {
			t.Errorf("%+v: %d", c, w.Code)
		}
	}
}

// slowHash is one that waits.
type slowHash struct {
	name string
	wait chan struct{}
	runs atomic.Int64
}

func (h *slowHash) matches(password string) bool {
	h.runs.Add(1)
	if h.wait != nil {
		<-h.wait
	}
	return password == "right"
}

func (h *slowHash) String() string { return h.name }

func users(h *slowHash) *passwords {
	return &passwords{users: map[string]hashed{"joe": h}, all: []hashed{h}}
}

// A password that was right is not hashed again for a while; one that is wrong is, and so is that of a user that does not exist.
func TestHashingRemembers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, hash := NewHashing(), &slowHash{name: "a"}
		p := users(hash)
		check := func(user, password string, want bool, runs int64) {
			t.Helper()
			ok, err := h.check(context.Background(), addr("192.0.2.1"), p, user, password)
			if n := hash.runs.Swap(0); ok != want || err != nil || n != runs {
				t.Errorf("%s %s: %v %v, hashed %d times", user, password, ok, err, n)
			}
		}
		check("joe", "right", true, 1)
		check("joe", "right", true, 0)
		check("joe", "wrong", false, 1)
		check("joe", "wrong", false, 1)
		check("ann", "right", false, 1)
		check("ann", "right", false, 1)
		time.Sleep(cacheFor + time.Second)
		check("joe", "right", true, 1)
		hash.name = "b" // the file has changed
		check("joe", "right", true, 1)
		for i := range maxCache + 100 {
			h.mu.Lock()
			h.keep(h.key(fmt.Sprint(i)), time.Now())
			h.mu.Unlock()
		}
		if len(h.right) > maxCache {
			t.Errorf("%d passwords are remembered", len(h.right))
		}
	})
}

// One client that tries passwords waits for itself; requests with the same password are one; others wait a bounded time.
func TestHashingIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, hash := NewHashing(), &slowHash{name: "a", wait: make(chan struct{})}
		p := users(hash)
		var wg sync.WaitGroup
		var busy, right atomic.Int64
		try := func(client netip.Addr, password string) {
			wg.Go(func() {
				ok, err := h.check(context.Background(), client, p, "joe", password)
				if errors.Is(err, errBusy) {
					busy.Add(1)
				}
				if ok {
					right.Add(1)
				}
			})
		}
		for range 50 { // a browser's requests for one page
			try(addr("2001:db8::1"), "right")
		}
		synctest.Wait()
		for i := range maxPerClient - 1 {
			try(addr("2001:db8::2"), fmt.Sprint("wrong", i)) // of the same /64
		}
		synctest.Wait()
		if _, err := h.check(context.Background(), addr("2001:db8::3"), p, "joe", "one more"); !errors.Is(err, errClientBusy) {
			t.Errorf("one more of the client: %v", err)
		}
		for i := range maxWaiting - maxPerClient {
			try(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), "wrong")
			synctest.Wait()
		}
		for i := range maxWaiting - maxPerClient {
			try(netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}), fmt.Sprint("other", i))
			synctest.Wait()
		}
		start := time.Now()
		if _, err := h.check(context.Background(), addr("192.0.2.1"), p, "joe", "last"); !errors.Is(err, errBusy) || time.Since(start) > 0 {
			t.Errorf("one more of all: %v after %v", err, time.Since(start))
		}
		time.Sleep(waitFor + time.Second)
		synctest.Wait()
		if busy.Load() == 0 {
			t.Error("nobody was told that the server is busy")
		}
		close(hash.wait)
		wg.Wait()
		if right.Load() != 50 || len(h.running)+h.waiting+len(h.clients) != 0 {
			t.Errorf("%d of 50 are right; left are %d, %d, %d", right.Load(), len(h.running), h.waiting, len(h.clients))
		}
	})
}
