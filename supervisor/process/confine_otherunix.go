//go:build unix && !linux

package process

import (
	"errors"
	"syscall"
)

// The number of BSD and macOS.
const rlimitNproc = 7

func noNewPrivs() error { return errors.ErrUnsupported }

func setgid(id int) error { return syscall.Setgid(id) }
func setuid(id int) error { return syscall.Setuid(id) }

func (c *Cgroup) enter() error { return errors.ErrUnsupported }
