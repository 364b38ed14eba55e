package config

import (
	"embed"
	"io"
	"io/fs"
	"sync"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// product are all settings of standpipe.
var product = sync.OnceValue(func() *schema.Schema { return schemaOf(&Config{}) })

// fragments document the settings: a file for each table.
//
//go:embed texts/*.md
var fragments embed.FS

// schemaOf makes the schema of a configuration.
func schemaOf(root any) *schema.Schema {
	texts, err := fs.Sub(fragments, "texts")
	if err != nil {
		panic(err) // the name is a constant
	}
	s := schema.Of(root, "STANDPIPE_", texts, commandLine())
	s.Later = []string{"drain_grace"}
	s.Foreign = map[string]string{
		"worker_class": "there is no setting worker_class: threads is how many requests a worker runs at a time, and gevent = 1000 makes them greenlets",
	}
	return s
}

// commandLine are the settings that the file has no key for.
func commandLine() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "config", Kind: schema.Path, Flags: []string{"config", "c"}, Derived: "standpipe.toml in the current folder, when neither APP nor --app is given"},
		{Key: "app", Kind: schema.Text, Repeat: true, NoEnv: true, Hint: "KEY=VALUE,..."},
		{Key: "worker_class", Kind: schema.Choice, Choices: []string{"sync", "gthread", "gevent"}, Flags: []string{"worker-class", "k"}, NoEnv: true},
		{Key: "worker_connections", Kind: schema.Int, NoEnv: true},
	}}
}

// Settings are all settings, in the order of the documentation.
func Settings() []*schema.Setting { return product().All() }

// FindFlag returns the setting that a flag belongs to, by any of its names without dashes; nil: there is none.
func FindFlag(name string) *schema.Setting { return product().Flag(name) }

// WriteDocs writes docs/settings.md.
func WriteDocs(w io.Writer) error { return writeDocs(product(), w) }

func writeDocs(s *schema.Schema, w io.Writer) error {
	head, err := fragments.ReadFile("texts/head.md")
	if err != nil {
		return err
	}
	return s.WriteDocs(w, string(head), "The server")
}
