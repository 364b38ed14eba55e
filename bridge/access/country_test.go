package access

import (
	"os"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/integration/testauth"
)

func TestCountries(t *testing.T) {
	t.Parallel()
	r := newRig()
	file := write(t, "countries.mmdb", testauth.Countries(t, map[string]string{"1.1.1.0/24": "NZ", "2.2.0.0/16": "FR", "2001:db8::/32": "NZ"}))
	for _, c := range []struct {
		lists  Lists
		client string
		rule   string // of a refusal; empty: none
	}{
		{Lists{DenyCountries: []string{"NZ"}}, "1.1.1.1", "deny_countries NZ"},
		{Lists{DenyCountries: []string{"NZ"}}, "::ffff:1.1.1.1", "deny_countries NZ"},
		{Lists{DenyCountries: []string{"NZ"}}, "2001:db8::7", "deny_countries NZ"},
		{Lists{DenyCountries: []string{"NZ"}}, "2.2.2.2", ""},
		{Lists{DenyCountries: []string{"NZ"}}, "10.0.0.1", ""},
		{Lists{DenyCountries: []string{UnknownCountry}}, "10.0.0.1", "deny_countries unknown"},
		{Lists{AllowCountries: []string{"NZ"}}, "1.1.1.1", ""},
		{Lists{AllowCountries: []string{"NZ"}}, "2.2.2.2", notAllowed},
		{Lists{AllowCountries: []string{"NZ"}}, "10.0.0.1", notAllowed},
		{Lists{AllowCountries: []string{"NZ", UnknownCountry}}, "10.0.0.1", ""},
		{Lists{AllowCountries: []string{"NZ"}, Deny: []string{"all"}}, "1.1.1.1", ""},
		{Lists{AllowCountries: []string{"NZ"}, Deny: []string{"all"}}, "2.2.2.2", "deny all"},
		{Lists{AllowCountries: []string{"NZ"}, Deny: []string{"1.1.1.1"}}, "1.1.1.1", "deny 1.1.1.1"},
		{Lists{DenyCountries: []string{"NZ"}, Allow: []string{"1.1.1.1", "all"}}, "1.1.1.1", ""},
		{Lists{DenyCountries: []string{"NZ"}, Allow: []string{"1.1.1.1", "all"}}, "1.1.1.2", "deny_countries NZ"},
	} {
		c.lists.Database = file
		v := r.lists(t, c.lists).Addresses.Judge(addr(c.client))
		if v.Denied != (c.rule != "") || v.Denied && v.Rule != c.rule {
			t.Errorf("%+v, %q: %+v, want %q", c.lists, c.client, v, c.rule)
		}
	}

	// A broken file changes nothing.
	table := r.lists(t, Lists{DenyCountries: []string{"NZ"}, Database: file})
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, string(whole[:len(whole)/2]))
	r.files.Look()
	r.files.Look()
	if !table.Addresses.Judge(addr("1.1.1.1")).Denied || r.count("access_file_failed") != 1 || r.count("countries.mmdb") == 0 {
		t.Error("a file that was cut off: the previous one has to stay, with a record that names it")
	}
	if err := CheckCountries(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("check: %v", err)
	}
	write(t, file, testauth.Countries(t, map[string]string{"1.1.1.0/24": "AU"}))
	r.files.Look()
	r.files.Look()
	if table.Addresses.Judge(addr("1.1.1.1")).Denied {
		t.Error("the new database is not in force")
	}
}

func FuzzCountries(f *testing.F) {
	f.Add([]byte(testauth.Countries(f, map[string]string{"1.1.1.0/24": "NZ"})))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := readCountries("x", strings.NewReader(string(b))); err == nil {
			c.Of(addr("1.1.1.1"))
			c.Of(addr("2001:db8::1"))
		}
	})
}
