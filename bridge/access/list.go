package access

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"

	"github.com/standpipe/standpipe/bridge/netset"
)

const (
	maxLine = 4 << 10 // bytes of a line, comment included
	// maxNetworks of one file are about 300 MB while it is read.
	maxNetworks = 5_000_000
)

// LineError says which line of a file is wrong.
type LineError struct {
	File string
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

// Unwrap returns the cause.
func (e *LineError) Unwrap() error { return e.Err }

// ReadList reads a list of networks: one address or network in each line; # and ; begin comments. The error of a bad line is a
// *LineError.
func ReadList(file string, r io.Reader, add func(netip.Prefix)) error {
	n := 0
	return lines(file, r, func(line []byte) error {
		if i := bytes.IndexAny(line, "#;"); i >= 0 {
			line = line[:i]
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			return nil
		}
		p, err := netset.Parse(string(line))
		if err != nil {
			return err
		}
		if n++; n > maxNetworks {
			return fmt.Errorf("there are more than %d networks", maxNetworks)
		}
		add(p)
		return nil
	})
}

// lines calls take for each line; its error gets the line's number.
func lines(file string, r io.Reader, take func(line []byte) error) error {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, maxLine), maxLine)
	n := 0
	for in.Scan() {
		line := in.Bytes()
		if n++; n == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		if err := take(line); err != nil {
			return &LineError{file, n, err}
		}
	}
	switch err := in.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return &LineError{file, n + 1, fmt.Errorf("the line is longer than %d bytes", maxLine)}
	default:
		return err
	}
}

// CheckList reads a file of networks and forgets them.
func CheckList(file string) error {
	r, err := os.Open(file)
	if err != nil {
		return err
	}
	defer r.Close()
	return ReadList(file, r, func(netip.Prefix) {})
}
