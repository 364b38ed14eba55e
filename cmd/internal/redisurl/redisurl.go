// Package redisurl reads the URL of a Redis or Valkey server. No error has a part of the URL in it that may be a password.
package redisurl

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/address"
)

// Server is one server.
type Server struct {
	Network, Address string // "tcp" and host:port, or "unix" and a path
	User, Password   string // empty: it wants none; an empty User is the default one
	DB               int
	TLS              bool
}

// Usage is how a URL is written.
const Usage = "redis://user:password@host:6379/0, rediss://... (TLS) or unix:///run/redis.sock?db=0"

// Parse reads a URL.
func Parse(text string) (Server, error) {
	scheme, rest, _ := strings.Cut(text, "://")
	host, _, _ := strings.Cut(rest[strings.LastIndexByte(rest, '@')+1:], "/")
	if strings.Contains(scheme, "sentinel") || strings.Contains(scheme, "cluster") || strings.Contains(host, ",") {
		return Server{}, errors.New("sentinels and clusters are not supported: write the URL of one server, or of a proxy in front of them: " + Usage)
	}
	u, err := url.Parse(text)
	if err != nil {
		return Server{}, errors.New("it is no URL; a / ? # % @ or : in the password is written as %2F %3F %23 %25 %40 %3A: " + Usage)
	}
	s := Server{Network: "tcp"}
	db := strings.TrimPrefix(u.Path, "/")
	switch u.Scheme {
	case "redis", "valkey":
	case "rediss", "valkeys":
		s.TLS = true
	case "unix", "redis+unix", "valkey+unix":
		s.Network, s.Address, db = "unix", u.Path, ""
		if u.Host != "" || u.Path == "" {
			return Server{}, errors.New("the path of a socket is absolute: " + Usage)
		}
	default:
		return Server{}, errors.New("it is no URL like " + Usage)
	}
	if s.Network == "tcp" {
		if u.Hostname() == "" {
			return Server{}, errors.New("it has no host: " + Usage)
		}
		if s.Address, err = address.WithPort(u.Host, "6379"); err != nil {
			return Server{}, errors.New("its host cannot be looked up, or its port is not 1 to 65535: " + Usage)
		}
	}
	if u.User != nil {
		var has bool
		s.User = u.User.Username()
		if s.Password, has = u.User.Password(); !has && s.User != "" {
			return Server{}, errors.New("it has a user and no password; the default user's password is written as redis://:password@host:6379")
		}
	}
	for key, values := range u.Query() {
		if key != "db" {
			return Server{}, fmt.Errorf("%q is no parameter that is known: %s", key, Usage)
		}
		db = values[0]
	}
	if db != "" {
		if s.DB, err = strconv.Atoi(db); err != nil || s.DB < 0 {
			return Server{}, fmt.Errorf("the database is a number: %s", Usage)
		}
	}
	return s, nil
}
