//go:build unix

package process

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A message of the helper is a length of 4 bytes, big-endian, and that many bytes of JSON;
// descriptors are sent with the first byte.

// maxHelperMessage bounds a message: a command line and an environment are at most
// 2 MiB (ARG_MAX), and JSON may take more. maxHelperFiles bounds its descriptors.
const (
	maxHelperMessage = 16 << 20
	maxHelperFiles   = 16
)

// HelperTable says what a helper may do. The helper gets it once, at its start.
type HelperTable struct {
	// Allow are the identities that a process may be started as, or that a file may
	// be given to.
	Allow []HelperEntry
	// ServerUID is the uid of the serving process, whose files may be given to one of them.
	ServerUID uint32
	// Cgroups are the leaves that a process may be put into.
	Cgroups []string `json:",omitempty"`

	led *led // nil: only the present links of programs count
}

// HelperEntry is one identity and the programs that may be run as it; none: any.
type HelperEntry struct {
	Identity Identity
	Programs []string `json:",omitempty"`
}

// helperOrder is one order to the helper; one of the pointers is set.
type helperOrder struct {
	ID     uint64
	Start  *startOrder   `json:",omitempty"` // with its descriptors; Identity is set
	Signal *helperSignal `json:",omitempty"`
	Give   *Identity     `json:",omitempty"` // with one descriptor, whose owner it becomes
}

// startWire is a startOrder on the wire: bytes, because JSON would change text that is not UTF-8.
type startWire struct {
	Path, Dir []byte
	Args, Env [][]byte
	Identity  *Identity `json:",omitempty"`
	Limits    Limits
	Cgroup    *Cgroup `json:",omitempty"`
}

// MarshalJSON writes all but the descriptors.
func (o *startOrder) MarshalJSON() ([]byte, error) {
	bytesOf := func(list []string) [][]byte {
		out := make([][]byte, len(list))
		for i, s := range list {
			out[i] = []byte(s)
		}
		return out
	}
	return json.Marshal(startWire{[]byte(o.Path), []byte(o.Dir), bytesOf(o.Args), bytesOf(o.Env), o.Identity, o.Limits, o.Cgroup})
}

// UnmarshalJSON reads it.
func (o *startOrder) UnmarshalJSON(text []byte) error {
	var w startWire
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	texts := func(list [][]byte) []string {
		out := make([]string, len(list))
		for i, s := range list {
			out[i] = string(s)
		}
		return out
	}
	*o = startOrder{Path: string(w.Path), Dir: string(w.Dir), Args: texts(w.Args), Env: texts(w.Env),
		Identity: w.Identity, Limits: w.Limits, Cgroup: w.Cgroup}
	return nil
}

type helperSignal struct {
	Child uint64 // the ID of its Start
	Order Order
}

// helperWord answers the order ID, or reports the end of the process that the order ID started.
type helperWord struct {
	ID   uint64
	Pid  int
	Err  string `json:",omitempty"`
	Exit *Exit  `json:",omitempty"`
}

// helperConn carries messages. Sends may come from any goroutine.
type helperConn struct {
	c  *net.UnixConn
	mu sync.Mutex
}

func newHelperConn(f *os.File) (*helperConn, error) {
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, errors.New("not a unix socket")
	}
	return &helperConn{c: u}, nil
}

func (h *helperConn) send(v any, files ...*os.File) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(text) > maxHelperMessage {
		return fmt.Errorf("the command line and its environment are %d bytes, more than %d", len(text), maxHelperMessage)
	}
	msg := append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(text)), uint32(len(text))), text...)
	var oob []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd()) // blocking from now on, as a child wants it
		}
		oob = unix.UnixRights(fds...)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	n, _, err := h.c.WriteMsgUnix(msg, oob, nil)
	if err == nil && n < len(msg) {
		_, err = h.c.Write(msg[n:])
	}
	return err
}

// receive reads one message into v. The caller gets the files, also with an error.
func (h *helperConn) receive(v any) (files []*os.File, err error) {
	var head [4]byte
	oob := make([]byte, unix.CmsgSpace(maxHelperFiles*4))
	for n := 0; n < len(head); {
		m, oobn, flags, _, err := h.c.ReadMsgUnix(head[n:], oob)
		got, perr := parseFiles(oob[:oobn])
		files = append(files, got...)
		switch {
		case err != nil:
			return files, err
		case perr != nil:
			return files, perr
		case flags&unix.MSG_CTRUNC != 0:
			return files, errors.New("too many descriptors")
		case m == 0:
			return files, io.EOF
		}
		n += m
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > maxHelperMessage {
		return files, fmt.Errorf("a message of %d bytes", size)
	}
	// Memory grows with the bytes that arrive, not with the length that was claimed.
	text, err := io.ReadAll(io.LimitReader(h.c, int64(size)))
	if err == nil && len(text) < int(size) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return files, err
	}
	return files, json.Unmarshal(text, v)
}

func parseFiles(oob []byte) ([]*os.File, error) {
	if len(oob) == 0 {
		return nil, nil
	}
	list, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	var files []*os.File
	for i := range list {
		fds, err := syscall.ParseUnixRights(&list[i])
		if err != nil {
			return files, err
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "passed"))
		}
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
