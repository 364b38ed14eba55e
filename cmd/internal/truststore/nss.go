package truststore

import (
	"io/fs"
	"path/filepath"
	"slices"
)

// Where browsers keep databases of NSS, below the home folder.
var (
	chromiumFolders = []string{".pki/nssdb", "snap/chromium/current/.pki/nssdb"}
	firefoxFolders  = []string{".mozilla/firefox/*", ".config/mozilla/firefox/*", "snap/firefox/common/.mozilla/firefox/*",
		".var/app/org.mozilla.firefox/.mozilla/firefox/*", "Library/Application Support/Firefox/Profiles/*"}
	chromiums = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "brave-browser", "microsoft-edge"}
)

// nss are the stores of Firefox and Chromium that are not the system's. Windows has none: both use the system's there.
func (s *System) nss(ca CA) (stores []Store, missing []string) {
	if s.OS == "windows" || s.Home == "" {
		return nil, nil
	}
	found := s.databases()
	if len(found) == 0 {
		return nil, nil
	}
	tool := s.Look("certutil")
	if tool == "" && s.OS == "darwin" {
		for _, at := range []string{"/opt/homebrew/opt/nss/bin/certutil", "/usr/local/opt/nss/bin/certutil"} {
			if tool == "" && s.exists(at) {
				tool = at
			}
		}
	}
	if tool == "" {
		return nil, []string{"Firefox and Chromium have stores of their own, and certutil, which writes them, is not installed (" + s.packageOfCertutil() + ")"}
	}
	for _, f := range found {
		store := Store{Name: f.name, Browser: true}
		if f.missing {
			store.Install = []Command{{Args: []string{"mkdir", "-p", "-m", "0700", f.dir}}, {Args: []string{tool, "-N", "-d", f.database, "--empty-password"}}}
		} else {
			store.Installed = s.Run(tool, "-L", "-d", f.database, "-n", ca.Name) == nil
		}
		store.Install = append(store.Install, Command{Args: []string{tool, "-A", "-d", f.database, "-t", "C,,", "-n", ca.Name, "-i", ca.Path}})
		store.Remove = []Command{{Args: []string{tool, "-D", "-d", f.database, "-n", ca.Name}}}
		stores = append(stores, store)
	}
	return stores, nil
}

// database is one of NSS.
type database struct {
	name, dir, database string
	missing             bool // a browser makes it at its first start, unless it is there
}

func (s *System) databases() (list []database) {
	add := func(browser, dir string) bool {
		kind := "sql:"
		switch {
		case s.exists(dir + "/cert9.db"):
		case s.exists(dir + "/cert8.db"): // of old versions
			kind = "dbm:"
		default:
			return false
		}
		list = append(list, database{name: browser + " (" + dir + ")", dir: dir, database: kind + dir})
		return true
	}
	data := s.Data
	if data == "" {
		data = filepath.Join(s.Home, ".local", "share")
	}
	chromium := add("Chromium", data+"/pki/nssdb")
	for _, dir := range chromiumFolders {
		chromium = add("Chromium", s.Home+"/"+dir) || chromium
	}
	if !chromium && s.OS == "linux" && slices.ContainsFunc(chromiums, func(name string) bool { return s.Look(name) != "" }) {
		dir := s.Home + "/" + chromiumFolders[0]
		list = append(list, database{"Chromium (" + dir + ")", dir, "sql:" + dir, true})
	}
	home, err := fs.Sub(s.Files, inFS(s.Home))
	if err != nil {
		return list
	}
	for _, pattern := range firefoxFolders {
		dirs, _ := fs.Glob(home, pattern)
		for _, dir := range dirs {
			add("Firefox", s.Home+"/"+dir)
		}
	}
	return list
}

// packageOfCertutil says how it is installed.
func (s *System) packageOfCertutil() string {
	for _, c := range [][2]string{{"apt", "apt install libnss3-tools"}, {"dnf", "dnf install nss-tools"}, {"zypper", "zypper install mozilla-nss-tools"},
		{"pacman", "pacman -S nss"}, {"apk", "apk add nss-tools"}, {"brew", "brew install nss"}} {
		if s.Look(c[0]) != "" {
			return c[1]
		}
	}
	return "the package nss-tools, or libnss3-tools"
}
