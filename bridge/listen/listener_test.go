package listen

import (
	"context"
	"errors"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

func TestListenAddresses(t *testing.T) {
	ctx := context.Background()
	for _, a := range []string{"127.0.0.1:0", ":0", "0", "localhost:0"} {
		ln, err := Listen(ctx, Spec{Address: a})
		if err != nil {
			t.Errorf("%s: %v", a, err)
			continue
		}
		if host, _, _ := net.SplitHostPort(ln.Addr().String()); a == "0" && host != "127.0.0.1" {
			t.Errorf("%s listens on %s", a, ln.Addr())
		}
		ln.Close()
	}
	for a, want := range map[string]string{
		"": "host:port", "x": "host:port", "a:b": "port \"b\"", "1.2.3.4:70000": "port", "::1:80": "[", "fd://2": "3", "fd://x": "3",
		"fd://999": "fd://999", "unix:": "unix:", "192.0.2.1:0": "192.0.2.1",
	} {
		_, err := Listen(ctx, Spec{Address: a})
		var le *ListenError
		if !errors.As(err, &le) || le.Address != a || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", a, err)
		}
	}
	ln, err := Listen(ctx, Spec{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, err = Listen(ctx, Spec{Address: ln.Addr().String()})
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), ln.Addr().String()) {
		t.Errorf("%v", err)
	}
}

// The error names a permission only for what it permits.
func TestNotPermitted(t *testing.T) {
	for address, capability := range map[string]bool{
		"0.0.0.0:80": true, ":443": true, "[::]:443": true, "80": true, "127.0.0.1:1023": true, "127.0.0.1:1024": false, "127.0.0.1:8000": false, "unix:/run/80": false,
	} {
		err := &ListenError{Address: address, Err: &net.OpError{Err: os.NewSyscallError("bind", syscall.EACCES)}}
		if got := strings.Contains(err.Error(), "setcap 'cap_net_bind_service=+ep' "); got != (capability && runtime.GOOS == "linux") {
			t.Errorf("%s: %s", address, err)
		}
	}
}
