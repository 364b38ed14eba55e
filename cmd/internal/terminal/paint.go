package terminal

import (
	"io"
	"os"
)

// Paint colours words if On.
type Paint struct{ On bool }

// PaintFor returns the Paint for a writer: colours if it is a terminal that wants them
// (no-color.org: any NO_COLOR that is not empty switches them off).
func PaintFor(w io.Writer) Paint {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return Paint{}
	}
	st, err := f.Stat()
	return Paint{err == nil && st.Mode()&os.ModeCharDevice != 0}
}

func (p Paint) Red(s string) string    { return p.with("31", s) }
func (p Paint) Green(s string) string  { return p.with("32", s) }
func (p Paint) Yellow(s string) string { return p.with("33", s) }
func (p Paint) Faint(s string) string  { return p.with("2", s) }
func (p Paint) Bold(s string) string   { return p.with("1", s) }

func (p Paint) with(code, s string) string {
	if !p.On {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
