package main

import (
	"io"
	"os"
)

// paint colours words, or does not.
type paint struct{ on bool }

func (p paint) red(s string) string   { return p.with("31", s) }
func (p paint) green(s string) string { return p.with("32", s) }
func (p paint) faint(s string) string { return p.with("2", s) }
func (p paint) bold(s string) string  { return p.with("1", s) }

func (p paint) with(code, s string) string {
	if !p.on {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// colour says whether w is a terminal that wants colours (no-color.org: any NO_COLOR that is not empty says no).
func colour(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}
