//go:build !linux

package listen

const sendsFiles = false

// acked: the system does not tell.
func acked(*Conn) (n int64, ok bool) { return 0, false }

// unsent: the system does not tell.
func unsent(*Conn) (n int, ok bool) { return 0, false }
