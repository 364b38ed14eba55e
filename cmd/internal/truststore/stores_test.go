package truststore

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

var ca = CA{Path: "/home/ann smith/ca.pem", Name: "standpipe local CA ann@host 0a1b", Serial: "2f"}

// machine is one with these files; programs are those in PATH; has are the databases that have the CA.
func machine(goos string, root bool, files, programs, has []string) *System {
	fsys := fstest.MapFS{}
	for _, f := range files {
		fsys[strings.TrimPrefix(f, "/")] = &fstest.MapFile{}
	}
	return &System{
		OS: goos, Files: fsys, Home: "/home/ann", IsRoot: root,
		Look: func(program string) string {
			if slices.Contains(programs, program) {
				return "/usr/bin/" + program
			}
			return ""
		},
		Run: func(args ...string) error {
			if len(args) == 6 && args[1] == "-L" && args[5] == ca.Name && slices.Contains(has, args[3]) {
				return nil
			}
			return errors.New("exit status 255")
		},
	}
}

func TestStores(t *testing.T) {
	const name = "standpipe_local_CA_ann_host_0a1b"
	const quoted = "'/home/ann smith/ca.pem'"
	install := func(sudo, file, update string) []string {
		return []string{"the system", "+" + sudo + "install -m 0644 " + quoted + " " + file, "+" + sudo + update, "-" + sudo + "rm -f " + file, "-" + sudo + update}
	}
	nss := func(browser, dir, database string, before ...string) []string {
		return append(append([]string{browser + " (" + dir + ")"}, before...),
			"+/usr/bin/certutil -A -d "+database+" -t C,, -n 'standpipe local CA ann@host 0a1b' -i "+quoted,
			"-/usr/bin/certutil -D -d "+database+" -n 'standpipe local CA ann@host 0a1b'")
	}
	for title, c := range map[string]struct {
		system  *System
		want    [][]string
		missing string // a word of it
	}{
		"Debian": {machine("linux", false, []string{"/usr/local/share/ca-certificates/x", "/usr/sbin/update-ca-certificates"}, nil, nil),
			[][]string{install("sudo ", "/usr/local/share/ca-certificates/"+name+".crt", "update-ca-certificates")}, ""},
		"Debian, root": {machine("linux", true, []string{"/usr/local/share/ca-certificates/x"}, []string{"update-ca-certificates"}, nil),
			[][]string{install("", "/usr/local/share/ca-certificates/"+name+".crt", "update-ca-certificates")}, ""},
		"Fedora": {machine("linux", false, []string{"/etc/pki/ca-trust/source/anchors/x", "/usr/local/share/ca-certificates/x"}, []string{"update-ca-trust"}, nil),
			[][]string{install("sudo ", "/etc/pki/ca-trust/source/anchors/"+name+".pem", "update-ca-trust extract")}, ""},
		"Arch": {machine("linux", false, []string{"/etc/ca-certificates/trust-source/anchors/x"}, []string{"trust"}, nil),
			[][]string{install("sudo ", "/etc/ca-certificates/trust-source/anchors/"+name+".crt", "trust extract-compat")}, ""},
		"openSUSE": {machine("linux", false, []string{"/etc/pki/trust/anchors/x"}, []string{"update-ca-certificates"}, nil),
			[][]string{install("sudo ", "/etc/pki/trust/anchors/"+name+".pem", "update-ca-certificates")}, ""},
		"a container without the package": {machine("linux", true, nil, nil, nil), nil, "ca-certificates"},
		"installed": {machine("linux", true, []string{"/usr/local/share/ca-certificates/" + name + ".crt", "/sbin/update-ca-certificates"}, nil, nil),
			[][]string{append([]string{"the system, installed"}, install("", "/usr/local/share/ca-certificates/"+name+".crt", "update-ca-certificates")[1:]...)}, ""},
		"macOS": {machine("darwin", false, []string{"/home/ann/Library/Application Support/Firefox/Profiles/a.default/cert9.db"}, []string{"certutil"}, nil), [][]string{
			{"the system, unsure", "+sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain " + quoted, "-sudo security remove-trusted-cert -d " + quoted},
			nss("Firefox", "/home/ann/Library/Application Support/Firefox/Profiles/a.default", "'sql:/home/ann/Library/Application Support/Firefox/Profiles/a.default'")}, ""},
		"Windows": {machine("windows", false, []string{"/home/ann/.pki/nssdb/cert9.db"}, []string{"certutil"}, nil),
			[][]string{{"the system, unsure", "+certutil -user -addstore root " + quoted, "-certutil -user -delstore root 2f"}}, ""},
		"browsers": {machine("linux", false, []string{"/home/ann/.pki/nssdb/cert9.db", "/home/ann/.mozilla/firefox/a.default/cert9.db", "/home/ann/.mozilla/firefox/a.default/cert8.db",
			"/home/ann/.mozilla/firefox/old/cert8.db", "/home/ann/.mozilla/firefox/profiles.ini"}, []string{"certutil", "chromium"}, []string{"sql:/home/ann/.mozilla/firefox/a.default"}), [][]string{
			nss("Chromium", "/home/ann/.pki/nssdb", "sql:/home/ann/.pki/nssdb"),
			append([]string{"Firefox (/home/ann/.mozilla/firefox/a.default), installed"}, nss("Firefox", "/home/ann/.mozilla/firefox/a.default", "sql:/home/ann/.mozilla/firefox/a.default")[1:]...),
			nss("Firefox", "/home/ann/.mozilla/firefox/old", "dbm:/home/ann/.mozilla/firefox/old")}, "ca-certificates"},
		"a new Chromium": {machine("linux", false, []string{"/home/ann/.local/share/pki/nssdb/cert9.db"}, []string{"certutil", "chromium"}, nil),
			[][]string{nss("Chromium", "/home/ann/.local/share/pki/nssdb", "sql:/home/ann/.local/share/pki/nssdb")}, "ca-certificates"},
		"a Chromium that was not started": {machine("linux", false, nil, []string{"certutil", "google-chrome"}, nil),
			[][]string{nss("Chromium", "/home/ann/.pki/nssdb", "sql:/home/ann/.pki/nssdb", "+mkdir -p -m 0700 /home/ann/.pki/nssdb", "+/usr/bin/certutil -N -d sql:/home/ann/.pki/nssdb --empty-password")}, "ca-certificates"},
		"browsers without certutil": {machine("linux", true, []string{"/home/ann/.pki/nssdb/cert9.db", "/usr/local/share/ca-certificates/x"}, []string{"update-ca-certificates", "apt"}, nil),
			[][]string{install("", "/usr/local/share/ca-certificates/"+name+".crt", "update-ca-certificates")}, "apt install libnss3-tools"},
	} {
		t.Run(title, func(t *testing.T) {
			stores, missing := c.system.Stores(ca)
			var got [][]string
			for _, s := range stores {
				line := s.Name
				if s.Installed {
					line += ", installed"
				}
				if s.Unsure {
					line += ", unsure"
				}
				if s.Browser == (s.Name == "the system") {
					t.Errorf("%s: Browser is %v", s.Name, s.Browser)
				}
				lines := []string{line}
				for _, command := range s.Install {
					lines = append(lines, "+"+command.String())
				}
				for _, command := range s.Remove {
					lines = append(lines, "-"+command.String())
				}
				got = append(got, lines)
			}
			if !slices.EqualFunc(got, c.want, slices.Equal) {
				t.Errorf("\n%q\nwant\n%q", got, c.want)
			}
			if said := strings.Join(missing, "; "); (said == "") != (c.missing == "") || !strings.Contains(said, c.missing) {
				t.Errorf("missing: %q", said)
			}
		})
	}
}

func TestQuoted(t *testing.T) {
	if got := (Command{Args: []string{"a", "", "it's", "C:\\x", "$(rm)"}}).String(); got != `a '' 'it'\''s' C:\x '$(rm)'` {
		t.Error(got)
	}
}
