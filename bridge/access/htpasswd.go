package access

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

const (
	maxUsers    = 100_000
	maxUser     = 255
	maxPassword = 1024
	// What a hash may cost: more would take a core for seconds for each password.
	maxCost   = 15       // of bcrypt
	maxMemory = 64 << 10 // of argon2id, KiB
	maxRounds = 16
)

// passwords is a file as `htpasswd -B` writes it.
type passwords struct {
	users map[string]hashed
	all   []hashed
}

// hashed is the hash of a password.
type hashed interface {
	// matches compares. It takes as long as the hash wants it.
	matches(password string) bool
	// String is the line of the file.
	String() string
}

type bcryptHash string

func (h bcryptHash) matches(password string) bool {
	if len(password) > 72 { // bcrypt reads no more, and htpasswd has cut it
		password = password[:72]
	}
	return bcrypt.CompareHashAndPassword([]byte(h), []byte(password)) == nil
}

func (h bcryptHash) String() string { return string(h) }

type argon2Hash struct {
	text           string
	memory, rounds uint32
	threads        uint8
	salt, sum      []byte
}

func (h *argon2Hash) matches(password string) bool {
	sum := argon2.IDKey([]byte(password), h.salt, h.rounds, h.memory, h.threads, uint32(len(h.sum)))
	return subtle.ConstantTimeCompare(sum, h.sum) == 1
}

func (h *argon2Hash) String() string { return h.text }

// readPasswords reads a file of users: user:hash in each line. The error of a bad line is a *LineError, and has no hash.
func readPasswords(path string, r io.Reader) (*passwords, error) {
	p := &passwords{users: map[string]hashed{}}
	err := lines(path, r, func(line []byte) error {
		text := strings.TrimSpace(string(line))
		if text == "" || text[0] == '#' {
			return nil
		}
		user, rest, ok := strings.Cut(text, ":")
		switch {
		case !ok:
			return errors.New("the line is not USER:HASH, as htpasswd -B writes it")
		case user == "" || len(user) > maxUser || !utf8.ValidString(user) || strings.ContainsFunc(user, func(c rune) bool { return !unicode.IsGraphic(c) || c == '"' }):
			return errors.New("the user's name is empty, too long, or has control characters or a quote")
		case p.users[user] != nil:
			return fmt.Errorf("duplicate user %q", user)
		case len(p.all) == maxUsers:
			return fmt.Errorf("there are more than %d users", maxUsers)
		}
		text, _, _ = strings.Cut(rest, ":")
		h, err := parseHash(text)
		if err != nil {
			return fmt.Errorf("user %q: %w", user, err)
		}
		p.users[user] = h
		p.all = append(p.all, h)
		return nil
	})
	if err == nil && len(p.all) == 0 {
		err = fmt.Errorf("%s has no users; htpasswd -B %s USER adds one", path, path)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

func parseHash(text string) (hashed, error) {
	weak := func(what string) (hashed, error) {
		return nil, fmt.Errorf("the hash is %s, whose passwords are found quickly by trying; write it again with bcrypt: htpasswd -B FILE USER", what)
	}
	switch {
	case strings.HasPrefix(text, "$2a$"), strings.HasPrefix(text, "$2b$"), strings.HasPrefix(text, "$2y$"):
		cost, err := bcrypt.Cost([]byte(text))
		const letters = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
		if err != nil || len(text) != 60 || strings.Trim(text[7:], letters) != "" || text[6] != '$' {
			return nil, errors.New("the hash begins as one of bcrypt and is none")
		}
		if cost > maxCost {
			return nil, fmt.Errorf("the cost of the hash is %d; at most %d is possible (htpasswd -B -C %d)", cost, maxCost, 10)
		}
		return bcryptHash(text), nil
	case strings.HasPrefix(text, "$argon2id$"):
		return parseArgon2(text)
	case strings.HasPrefix(text, "$argon2"):
		return nil, errors.New("the hash is a variant of argon2 that is not for passwords; argon2id is")
	case strings.HasPrefix(text, "$apr1$"), strings.HasPrefix(text, "$1$"):
		return weak("MD5")
	case strings.HasPrefix(text, "{SHA}"), strings.HasPrefix(text, "{SSHA}"):
		return weak("SHA-1")
	case strings.HasPrefix(text, "$5$"), strings.HasPrefix(text, "$6$"):
		return weak("crypt's SHA-2")
	case strings.HasPrefix(text, "{PLAIN}"):
		return weak("the password itself")
	}
	return weak("crypt's, or the password itself")
}

func parseArgon2(text string) (hashed, error) {
	bad := errors.New("the hash begins as one of argon2id and is none: $argon2id$v=19$m=19456,t=2,p=1$SALT$HASH")
	f := strings.Split(text, "$")
	if len(f) != 6 || f[2] != "v=19" {
		return nil, bad
	}
	h := &argon2Hash{text: text}
	if n, err := fmt.Sscanf(f[3], "m=%d,t=%d,p=%d", &h.memory, &h.rounds, &h.threads); n != 3 || err != nil || f[3] != fmt.Sprintf("m=%d,t=%d,p=%d", h.memory, h.rounds, h.threads) {
		return nil, bad
	}
	var err error
	if h.salt, err = base64.RawStdEncoding.Strict().DecodeString(f[4]); err != nil || len(h.salt) < 8 || len(h.salt) > 64 {
		return nil, bad
	}
	if h.sum, err = base64.RawStdEncoding.Strict().DecodeString(f[5]); err != nil || len(h.sum) < 16 || len(h.sum) > 64 {
		return nil, bad
	}
	if h.threads < 1 || h.threads > 16 || h.rounds < 1 || h.rounds > maxRounds || h.memory < 8*uint32(h.threads) || h.memory > maxMemory {
		return nil, fmt.Errorf("the hash costs m=%d,t=%d,p=%d; possible are m up to %d (KiB), t up to %d, p up to 16", h.memory, h.rounds, h.threads, maxMemory, maxRounds)
	}
	return h, nil
}

// CheckPasswords reads a file of users and forgets it.
func CheckPasswords(file string) error {
	r, err := os.Open(file)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = readPasswords(file, r)
	return err
}
