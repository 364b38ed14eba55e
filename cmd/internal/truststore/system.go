package truststore

import "strings"

// folders are where distributions of Linux want files of CAs, and the command that is to be run afterwards. Those of mkcert
// (truststore_linux.go), which several years have tested; the first that is there counts.
var folders = []struct {
	dir, ext string
	update   []string
}{
	{"/etc/pki/ca-trust/source/anchors", ".pem", []string{"update-ca-trust", "extract"}},       // Fedora
	{"/usr/local/share/ca-certificates", ".crt", []string{"update-ca-certificates"}},           // Debian, Alpine, Gentoo
	{"/etc/ca-certificates/trust-source/anchors", ".crt", []string{"trust", "extract-compat"}}, // Arch
	{"/etc/pki/trust/anchors", ".pem", []string{"update-ca-certificates"}},                     // openSUSE
}

// system is the store of the operating system; nil: none is known.
func (s *System) system(ca CA) *Store {
	store := &Store{Name: "the system"}
	switch s.OS {
	case "darwin":
		store.Unsure = true
		store.Install = s.rooted([]string{"security", "add-trusted-cert", "-d", "-r", "trustRoot", "-k", "/Library/Keychains/System.keychain", ca.Path})
		store.Remove = s.rooted([]string{"security", "remove-trusted-cert", "-d", ca.Path})
		return store
	case "windows":
		store.Unsure = true
		store.Install = []Command{{Args: []string{"certutil", "-user", "-addstore", "root", ca.Path}}}
		store.Remove = []Command{{Args: []string{"certutil", "-user", "-delstore", "root", ca.Serial}}}
		return store
	}
	for _, f := range folders {
		if !s.exists(f.dir) || !s.program(f.update[0]) {
			continue
		}
		file := f.dir + "/" + fileName(ca.Name) + f.ext
		store.Installed = s.exists(file)
		store.Install = s.rooted([]string{"install", "-m", "0644", ca.Path, file}, f.update)
		store.Remove = s.rooted([]string{"rm", "-f", file}, f.update)
		return store
	}
	return nil
}

// program reports whether root can run a program: its PATH has folders that other users' have not.
func (s *System) program(name string) bool {
	return s.Look(name) != "" || s.exists("/usr/sbin/"+name) || s.exists("/sbin/"+name)
}

// fileName is a name without letters that shells and programs for certificates may stumble over.
func fileName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, name)
}
