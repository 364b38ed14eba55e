package access

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/shim/wire"
)

// BasicOptions are the settings of Basic.
type BasicOptions struct {
	// File has the users: the path of a file as `htpasswd -B` writes it.
	File string
	// Realm is shown to people by their browsers.
	Realm string
	// Pass: the field Authorization is left in the request when the server has checked it.
	Pass bool
	// Hashing checks the passwords.
	Hashing *Hashing
}

// Basic asks for a user and a password (RFC 7617).
type Basic struct {
	o    BasicOptions
	file *File[passwords]
}

// NewBasic reads the file.
func NewBasic(o BasicOptions, files *Opening) (*Basic, error) {
	f, err := opened(files, "passwords", o.File, readPasswords)
	if err != nil {
		return nil, err
	}
	return &Basic{o, f}, nil
}

const (
	kindBasic      = "auth_users"           // a wrong password
	kindNoPassword = "auth_users, none"     // no password was sent: how every visit begins
	kindTooMany    = "auth_users, too many" // it could not be checked now
)

// pass lets the request pass as its user, or returns the refusal.
func (b *Basic) pass(rec *httpx.Writer, r *http.Request, client netip.Addr) *refusal {
	refused := &refusal{status: http.StatusUnauthorized, text: "A user and a password are needed here.", verdict: Verdict{Denied: true, Rule: kindNoPassword, Kind: kindNoPassword}, quiet: true}
	refused.fields = http.Header{"Www-Authenticate": {`Basic realm="` + b.o.Realm + `", charset="UTF-8"`}}
	user, password, ok := credentials(r)
	if !ok {
		return refused
	}
	good, err := b.o.Hashing.check(r.Context(), client, b.file.Load(), user, password)
	switch {
	case good:
		b.accept(rec, r, user)
		return nil
	case errors.Is(err, errClientBusy):
		return &refusal{status: http.StatusTooManyRequests, text: "Too many passwords are tried from your address.", retry: time.Second, verdict: Verdict{Denied: true, Rule: kindTooMany, Kind: kindTooMany}}
	case err != nil:
		return &refusal{status: http.StatusServiceUnavailable, text: "Too many passwords are checked.", retry: time.Second, verdict: Verdict{Denied: true, Rule: kindTooMany, Kind: kindTooMany}}
	}
	refused.quiet, refused.user = false, user
	refused.verdict = Verdict{Denied: true, Rule: kindBasic + " " + b.o.File, Kind: kindBasic}
	return refused
}

// credentials are those of the request; one that names several has none.
func credentials(r *http.Request) (user, password string, ok bool) {
	if len(r.Header["Authorization"]) != 1 {
		return "", "", false
	}
	user, password, ok = r.BasicAuth()
	return user, password, ok && user != "" && len(user) <= maxUser && len(password) <= maxPassword
}

// accept tells the app who the user is, in place of what a server in front may have said.
func (b *Basic) accept(rec *httpx.Writer, r *http.Request, user string) {
	n := &rec.Info
	n.User = user
	extra := slices.DeleteFunc(slices.Clone(n.Extra), func(v wire.Var) bool { return v.Name == "REMOTE_USER" || v.Name == "AUTH_TYPE" })
	n.Extra = append(extra, wire.Var{Name: "REMOTE_USER", Value: user}, wire.Var{Name: "AUTH_TYPE", Value: "Basic"})
	if !b.o.Pass {
		delete(r.Header, "Authorization")
	}
}

// quoted reports whether a realm can be written between quotes.
func quoted(realm string) bool {
	return !strings.ContainsFunc(realm, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' })
}

// CheckRealm says what is wrong with a realm; nil: nothing.
func CheckRealm(realm string) error {
	if !quoted(realm) {
		return errors.New("it has a quote, a backslash, or a character that is not of ASCII")
	}
	return nil
}
