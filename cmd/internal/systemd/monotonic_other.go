//go:build !linux

package systemd

// monotonic: there is no systemd here.
func monotonic() int64 { return 0 }
