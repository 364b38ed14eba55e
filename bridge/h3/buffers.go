package h3

import "fmt"

// wantedBuffer is quic-go's size of both buffers of a socket: packets that come while the process
// does not run for a moment are not lost. Bytes.
const wantedBuffer = 7 << 20

// sysctlLine sets the kernel's limits.
const sysctlLine = "sysctl -w net.core.rmem_max=7500000 net.core.wmem_max=7500000"

// checkBuffers writes a record when the kernel has granted less. quic-go has asked for it.
func (s *Server) checkBuffers(u *Socket) {
	read, write, ok := granted(u.udp)
	if !ok || read >= wantedBuffer && write >= wantedBuffer {
		return
	}
	s.o.Log.Warn("udp_buffer", "address", u.Addr().String(), "read_buffer", read, "write_buffer", write, "wanted", wantedBuffer,
		"message", fmt.Sprintf("the kernel grants buffers of %d and %d KiB for HTTP/3, which wants %d KiB: packets may be lost under load; as root: %s", read>>10, write>>10, wantedBuffer>>10, sysctlLine))
}
