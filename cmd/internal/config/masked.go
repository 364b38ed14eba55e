package config

import (
	"net/url"
	"strings"
)

// mask takes the place of a secret in a terminal or a bug report.
const mask = "******"

// Masked returns value, or stars when the name is that of a secret; a password inside a URL is masked too.
func Masked(name, value string) string {
	if value == "" {
		return value
	}
	n := strings.ToUpper(name)
	for _, part := range []string{"PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "KEY", "TOKEN", "CREDENTIAL", "DSN", "AUTH"} {
		if strings.Contains(n, part) {
			return mask
		}
	}
	if strings.Contains(value, "://") && strings.Contains(value, "@") {
		u, err := url.Parse(value)
		if err != nil {
			return mask
		}
		if _, has := u.User.Password(); has {
			u.User = url.UserPassword(u.User.Username(), mask)
			return strings.Replace(u.String(), url.QueryEscape(mask), mask, 1)
		}
	}
	return value
}
