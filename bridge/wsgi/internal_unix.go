//go:build unix

package wsgi

import "syscall"

const nonBlocking = syscall.O_NONBLOCK
