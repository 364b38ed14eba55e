package client

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestEvents(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "[]",
		"event: top\ndata: 1\n\ndata: 2\n\n": "[top=1 =2]",
		"data: 1":                            "[]", // cut
		"event: top\n\n\n\n":                 "[]",
		": comment\nevent:a\nid: 7\ndata:1\ndata: 2\n\n": "[a=1\n2]",
		"event: a\r\ndata: 1\r\n\r\ndata\n\n":            "[a=1 =]",
	} {
		for _, r := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
			got := []string{}
			err := events(r, func(name string, data []byte) error {
				got = append(got, name+"="+string(data))
				return nil
			})
			if fmt.Sprint(got) != want || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%q: %v %v", text, got, err)
			}
		}
	}
	stop := errors.New("stop")
	if err := events(strings.NewReader("data: 1\n\ndata: 2\n\n"), func(string, []byte) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}

// Whatever another process sends, an event is not longer than what was read.
func FuzzEvents(f *testing.F) {
	f.Add("event: top\ndata: {}\n\n")
	f.Add("data\ndata:\r\n\n: x\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		_ = events(strings.NewReader(text), func(name string, data []byte) error {
			if len(name)+len(data) > len(text) {
				t.Errorf("%q: %q %q", text, name, data)
			}
			return nil
		})
	})
}
