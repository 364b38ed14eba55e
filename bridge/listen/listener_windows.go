package listen

import (
	"context"
	"errors"
	"net"

	"golang.org/x/sys/windows"
)

// listenUnix: mode and owner do not exist here.
func listenUnix(ctx context.Context, path string, s Spec) (net.Listener, error) {
	if s.Mode != 0 || s.User != "" || s.Group != "" {
		return nil, errors.New("mode, user and group of a socket are not possible on Windows")
	}
	var lc net.ListenConfig
	return lc.Listen(ctx, "unix", path)
}

func listening(net.Listener) bool { return true }

func noDescriptors(err error) bool {
	return errors.Is(err, windows.WSAEMFILE) || errors.Is(err, windows.WSAENOBUFS)
}

// setBacklog: Windows' own number stays.
func setBacklog(net.Listener, int) error { return nil }

// inheritUnix: no process hands a listener over here.
func inheritUnix(ln net.Listener, path string) net.Listener { return ln }

func duplicate(uintptr) (uintptr, error) { return 0, errors.ErrUnsupported }

func isPacketSocket(uintptr, *net.UDPAddr) bool { return false }
