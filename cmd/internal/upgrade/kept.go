package upgrade

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	maxKept  = 16               // secrets
	keepTime = 10 * time.Second // until the new process has read them
)

// keep writes the secrets. The new process reads them at its start; one that does not ends, and
// so does the write.
func (a *Attempt) keep(secrets map[string][]byte) {
	if len(secrets) == 0 {
		return
	}
	var text strings.Builder
	for name, b := range secrets {
		fmt.Fprintf(&text, "kept %s %s\n", name, base64.StdEncoding.EncodeToString(b))
	}
	_ = a.say.SetWriteDeadline(time.Now().Add(keepTime))
	a.keeping.Go(func() {
		_, _ = a.say.WriteString(text.String()) // without them the new process exits
	})
}

// readKept reads n secrets.
func readKept(in *bufio.Reader, n int) (map[string][]byte, error) {
	if n < 0 || n > maxKept {
		return nil, fmt.Errorf("%s names %d secrets", variable, n)
	}
	kept := make(map[string][]byte, n)
	for range n {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, errors.New("the old process has ended before it had passed its keys on")
		}
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "kept" {
			return nil, errors.New("the old process has passed something else than its keys on")
		}
		text := ""
		if len(f) > 2 {
			text = f[2]
		}
		if kept[f[1]], err = base64.StdEncoding.DecodeString(text); err != nil {
			return nil, errors.New("the keys of the old process cannot be read")
		}
	}
	return kept, nil
}

// Kept returns a secret of the old process; nil: there is none.
func (h *Inheritance) Kept(name string) []byte {
	if h == nil {
		return nil
	}
	return h.kept[name]
}
