package shim

import "syscall"

const (
	cloexec  = syscall.MSG_CMSG_CLOEXEC
	pathOnly = 0x200000 // O_PATH; package syscall does not name it
)
