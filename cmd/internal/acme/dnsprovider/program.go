package dnsprovider

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// Program is a program of the user's. It is run as `PROGRAM present NAME VALUE` and has the record set and visible when it exits
// with 0, and as `PROGRAM cleanup NAME VALUE` later.
type Program struct {
	// Path is the program; it is run without a shell.
	Path string
	// Timeout ends a run; 0: five minutes.
	Timeout time.Duration
}

// ErrProgram: the program has failed.
var ErrProgram = errors.New("the program for DNS records failed")

// Present sets the record.
func (p *Program) Present(ctx context.Context, name, value string) error {
	return p.run(ctx, "present", name, value)
}

// CleanUp removes it.
func (p *Program) CleanUp(ctx context.Context, name, value string) error {
	return p.run(ctx, "cleanup", name, value)
}

func (p *Program) run(ctx context.Context, verb, name, value string) error {
	timeout := p.Timeout
	if timeout <= 0 {
		timeout = 5 * time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.Path, verb, name, value)
	cmd.WaitDelay = time.Second // a child of it that keeps the output open does not hold us
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		err = fmt.Errorf("no end within %v", timeout)
	}
	if err != nil {
		return fmt.Errorf("%w: %s %s %s: %w: %s", ErrProgram, p.Path, verb, name, err, tail(out))
	}
	return nil
}

// tail is the end of what a program has printed, for a message.
func tail(out []byte) string {
	const most = 500
	s := strings.ToValidUTF8(strings.TrimSpace(string(out)), "?")
	if len(s) > most {
		s = "..." + strings.ToValidUTF8(s[len(s)-most:], "")
	}
	return s
}
