package h3

import (
	"bytes"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

// A socket with small buffers is one record with the line that raises the kernel's limits; one with large buffers is none.
func TestBuffers(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIP[no-linux]: the sizes cannot be read")
	}
	for size, want := range map[int]int{64 << 10: 1, wantedBuffer: 0} {
		udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer udp.Close()
		_, _ = udp.SetReadBuffer(size), udp.SetWriteBuffer(size)
		read, write, ok := granted(udp)
		if !ok || size < wantedBuffer && read >= wantedBuffer {
			t.Fatal(read, write, ok)
		}
		if size == wantedBuffer && min(read, write) < wantedBuffer {
			continue // the kernel of this machine does not grant it
		}
		var out bytes.Buffer
		s := New(http.NotFoundHandler(), Options{Log: hclog.New(&hclog.LoggerOptions{Output: &out, JSONFormat: true})})
		s.checkBuffers(&Socket{udp: udp})
		if n := strings.Count(out.String(), "udp_buffer"); n != want || want == 1 && !strings.Contains(out.String(), sysctlLine) {
			t.Errorf("%d bytes: %s", size, out.String())
		}
	}
}
