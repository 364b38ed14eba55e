package cachestore

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/bridge/cache"
)

// names are the keys in the server.
type names struct {
	prefix string
	db     int // channels are those of all databases
}

// The kinds of keys.
const (
	answers = "a:"
	locks   = "l:"
)

// key is the key of a kind.
func (n names) key(kind string, k cache.Key) string {
	return n.prefix + kind + hex.EncodeToString(k[:])
}

// parse reads what key has made.
func (n names) parse(name []byte) (kind string, k cache.Key, ok bool) {
	rest, ok := strings.CutPrefix(string(name), n.prefix)
	if !ok || len(rest) != len(answers)+2*len(k) {
		return "", k, false
	}
	kind = rest[:len(answers)]
	_, err := hex.Decode(k[:], []byte(rest[len(answers):]))
	return kind, k, err == nil && (kind == answers || kind == locks)
}

// target is the key of a hash; with nothing, what those begin with.
func (n names) target(hash string) string { return n.prefix + "t:" + hash }

func (n names) log() string    { return n.prefix + "log" }
func (n names) wide() string   { return n.prefix + "wide" }
func (n names) purges() string { return n.prefix + "purges:" + strconv.Itoa(n.db) }

// loadArgs are those of loadScript. wide is the newest wide purge that is known.
func (n names) loadArgs(k cache.Key, wide string) []any {
	return []any{n.key(answers, k), n.log(), n.wide(), n.target(""), wide, mostValue, mostAnswer}
}
