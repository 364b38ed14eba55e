package localca

import (
	"net"
	"path/filepath"
	"strings"
)

// Folder is where the user's CA is kept on an operating system (runtime.GOOS); empty: the environment names no folder.
func Folder(goos string, env func(string) string) string {
	var base string
	home := env("HOME")
	switch {
	case filepath.IsAbs(env("XDG_DATA_HOME")): // the others are to be ignored, says its specification
		base = env("XDG_DATA_HOME")
	case goos == "windows":
		base = env("LOCALAPPDATA")
	case goos == "darwin" && home != "":
		base = filepath.Join(home, "Library", "Application Support")
	case home != "":
		base = filepath.Join(home, ".local", "share")
	default:
		if state, _, _ := strings.Cut(env("STATE_DIRECTORY"), ":"); state != "" {
			return filepath.Join(state, "local-ca")
		}
	}
	if base == "" {
		return ""
	}
	return filepath.Join(base, "standpipe", "local-ca")
}

// Local reports whether a host is this machine alone: "localhost", a name or a wildcard below it, a loopback address.
func Local(host string) bool {
	host = strings.ToLower(host)
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
