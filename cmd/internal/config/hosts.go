package config

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/address"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// setHosts replaces a list of hosts.
func setHosts[T any](at func(*T) *[]string) func(any, schema.Input) error {
	return schema.Set(func(group *T, in schema.Input) error {
		var out []string
		for _, h := range in.List() {
			out = append(out, strings.TrimSuffix(strings.ToLower(h), "."))
		}
		*at(group) = out
		return nil
	})
}

func showHosts[T any](of func(*T) []string) func(any) (string, bool) {
	return schema.Show(func(group *T) (string, bool) { return strings.Join(of(group), ","), true })
}

func nameRune(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_'
}

func goodName(s string) bool {
	return s != "" && len(s) <= maxName && s[0] != '.' && s[0] != '-' && !strings.ContainsFunc(s, func(c rune) bool { return !nameRune(c) })
}

// isControl reports whether c is a blank or a control character.
func isControl(c rune) bool { return c <= ' ' || c == 0x7f }

// badMount says what is wrong with a mount; empty: nothing.
func badMount(m string) string {
	switch {
	case !strings.HasPrefix(m, "/"):
		return "does not begin with a slash; write /" + m
	case strings.Contains(m, "//"):
		return "has an empty segment; write one slash"
	case strings.ContainsAny(m, "?#"):
		return "contains a ? or #; a mount is a path alone"
	case strings.ContainsFunc(m, isControl):
		return "contains a blank or a control character"
	case slices.ContainsFunc(strings.Split(m, "/"), func(s string) bool { return s == "." || s == ".." }):
		return "has a . or .. segment; write the path that clients request"
	}
	return ""
}

// badHost says what is wrong with a host pattern; empty: nothing.
func badHost(h string) string {
	bare := h
	if inner, ok := strings.CutSuffix(h, "]"); ok && strings.HasPrefix(inner, "[") {
		bare = inner[1:]
	}
	if _, err := netip.ParseAddr(bare); err == nil {
		if bare == "0.0.0.0" || bare == "::" {
			return "is an address to listen on, not one that a client requests; that is -b " + h + ":8000"
		}
		return ""
	}
	name := strings.TrimPrefix(h, "*.")
	switch {
	case strings.Contains(h, "://"):
		return "is a URL; write the host's name alone"
	case strings.Contains(name, ":"):
		return "has a port; leave it out, a request's port does not count"
	case strings.Contains(name, "*"):
		return "has a * in the wrong place; only *.example.org is possible"
	}
	if why := address.BadName(name); why != "" {
		return why
	}
	if strings.HasSuffix(name, ".") {
		return "has a dot at its end; leave it out"
	}
	return ""
}
