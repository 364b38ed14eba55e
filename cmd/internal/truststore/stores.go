package truststore

import (
	"cmp"
	"io/fs"
	"path"
	"strings"
)

// System is what Stores looks at.
type System struct {
	OS     string                      // runtime.GOOS
	Files  fs.FS                       // all files; paths have no leading slash
	Home   string                      // of the user
	Data   string                      // XDG_DATA_HOME; empty: not set
	IsRoot bool                        // this process is root
	Look   func(program string) string // the path of a program; empty: there is none
	Run    func(args ...string) error  // runs a command that only looks
}

// CA is what is to be trusted.
type CA struct {
	Path   string // of its certificate, in PEM
	Name   string // what the stores call it; unique
	Serial string // in hexadecimal
}

// Command is a command of the system.
type Command struct {
	Args []string
	Root bool // it is run by sudo
}

// String is the command as one would write it in a shell.
func (c Command) String() string {
	words := make([]string, len(c.Args))
	for i, word := range c.Args {
		words[i] = quote(word)
	}
	if c.Root {
		words = append([]string{"sudo"}, words...)
	}
	return strings.Join(words, " ")
}

func quote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:,=@%+~\\", r)
	}
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool { return !plain(r) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// Store is a place that CAs are trusted by.
type Store struct {
	Name      string // "the system", "Firefox (/home/ann/...)"
	Browser   bool   // of browsers alone
	Installed bool   // it has the CA
	Unsure    bool   // whether it has the CA cannot be known
	Install   []Command
	Remove    []Command
}

// Stores lists the stores for a CA. missing are sentences about those that cannot be used, and why.
func (s *System) Stores(ca CA) (stores []Store, missing []string) {
	if store := s.system(ca); store != nil {
		stores = append(stores, *store)
	} else {
		missing = append(missing, "this system has no store of CAs that standpipe knows (on Debian and Alpine: the package ca-certificates)")
	}
	nss, why := s.nss(ca)
	return append(stores, nss...), append(missing, why...)
}

// exists reports whether there is a file or a folder.
func (s *System) exists(name string) bool {
	_, err := fs.Stat(s.Files, inFS(name))
	return err == nil
}

func inFS(name string) string {
	return cmp.Or(strings.TrimPrefix(path.Clean(name), "/"), ".")
}

// rooted are the commands, by sudo unless this process is root.
func (s *System) rooted(commands ...[]string) []Command {
	list := make([]Command, len(commands))
	for i, args := range commands {
		list[i] = Command{args, !s.IsRoot}
	}
	return list
}
