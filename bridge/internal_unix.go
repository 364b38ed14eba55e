//go:build unix

package bridge

import "syscall"

const nonBlocking = syscall.O_NONBLOCK
