package config

import (
	"testing"
)

func TestMasked(t *testing.T) {
	for name, c := range map[string][2]string{
		"SECRET_KEY": {"x", mask}, "DB_PASSWORD": {"x", mask}, "api_token": {"x", mask}, "DEBUG": {"1", "1"}, "EMPTY_KEY": {"", ""},
		"DATABASE_URL": {"postgres://u:pw@h/db", "postgres://u:******@h/db"}, "URL": {"https://h/@x", "https://h/@x"},
	} {
		if got := Masked(name, c[0]); got != c[1] {
			t.Errorf("Masked(%s, %q) = %q, want %q", name, c[0], got, c[1])
		}
	}
}
