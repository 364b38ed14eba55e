package manual

import (
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/term"

	"github.com/standpipe/standpipe/cmd/internal/terminal"
)

// Widths of lines: of the terminal, but no more than a person reads well.
const (
	widest  = 100
	without = 100 // no terminal
)

// Show writes a page. At a terminal that has fewer lines it runs $PAGER, else less or nothing.
func Show(out io.Writer, page string) error {
	paint := terminal.PaintFor(out)
	f, isFile := out.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		_, err := io.WriteString(out, Text(page, without, paint))
		return err
	}
	columns, rows, err := term.GetSize(int(f.Fd()))
	if err != nil || columns < 20 {
		columns, rows = 80, 24
	}
	text := Text(page, min(columns, widest), paint)
	if strings.Count(text, "\n") >= rows && paged(f, text) {
		return nil
	}
	_, err = io.WriteString(out, text)
	return err
}

// paged shows a text in a pager; false: there is none, and nothing was written.
func paged(out *os.File, text string) bool {
	pager, set := os.LookupEnv("PAGER")
	if !set {
		if _, err := exec.LookPath("less"); err != nil {
			return false
		}
		pager = "less"
	}
	pager = strings.TrimSpace(pager)
	if pager == "" || pager == "cat" {
		return false
	}
	cmd := exec.Command("/bin/sh", "-c", pager)
	if runtime.GOOS == "windows" {
		cmd = exec.Command("cmd", "/c", pager)
	}
	cmd.Env = os.Environ()
	if _, set := os.LookupEnv("LESS"); !set {
		cmd.Env = append(cmd.Env, "LESS=FRX") // colours; it ends by itself where all fits
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(text), out, os.Stderr
	if err := cmd.Start(); err != nil {
		return false
	}
	_ = cmd.Wait() // a pager that is left early has shown what was wanted
	return true
}
