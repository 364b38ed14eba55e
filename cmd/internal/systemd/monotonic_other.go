//go:build !linux

package systemd

// monotonic is 0: there is no systemd here.
func monotonic() int64 { return 0 }
