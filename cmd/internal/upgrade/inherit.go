package upgrade

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
)

// Inheritance is what a new process gets from the old one. Up and Failed of nil do nothing.
type Inheritance struct {
	handshake handshake
	say       *os.File
	kept      map[string][]byte
	orders    chan string // from the old process; closed when it has nothing more to say

	mu   sync.Mutex
	left []handed
	told bool
}

// maxListeners bounds the sockets of a handshake.
const maxListeners = 1000

// Inherit reads the handshake for this process, once; nil: there is none. Afterwards this
// process has the standard output and error of the old one, and the sockets and the watchdog
// that a service manager gave to it.
func Inherit() (*Inheritance, error) {
	text := os.Getenv(variable)
	if text == "" {
		return nil, nil
	}
	if err := os.Unsetenv(variable); err != nil {
		return nil, err
	}
	l, err := parse(text)
	if err != nil {
		return nil, err
	}
	if l.Parent != os.Getppid() {
		return nil, nil // for another process, which has passed its environment on
	}
	for _, name := range []string{"LISTEN_PID", "WATCHDOG_PID"} {
		if os.Getenv(name) == strconv.Itoa(l.Parent) {
			if err := os.Setenv(name, strconv.Itoa(os.Getpid())); err != nil {
				return nil, err
			}
		}
	}
	if err := errors.Join(redirect(l.Out, 1), redirect(l.Err, 2)); err != nil {
		return nil, fmt.Errorf("%s: %w", variable, err)
	}
	h := &Inheritance{handshake: *l, say: os.NewFile(uintptr(l.Say), "upgrade"), orders: make(chan string, 4), left: l.Listeners}
	hear := os.NewFile(uintptr(l.Hear), "upgrade")
	in := bufio.NewReader(hear)
	if h.kept, err = readKept(in, l.Kept); err != nil {
		return nil, err
	}
	go func() { // ends when the old process closes the pipe or exits
		defer close(h.orders)
		defer hear.Close()
		for s := bufio.NewScanner(in); s.Scan(); {
			h.orders <- s.Text()
		}
	}()
	return h, nil
}

// parse reads a handshake, and checks it: descriptors are closed by number.
func parse(text string) (*handshake, error) {
	var l handshake
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return nil, fmt.Errorf("%s: %w", variable, err)
	}
	if len(l.Listeners) > maxListeners {
		return nil, fmt.Errorf("%s names %d sockets", variable, len(l.Listeners))
	}
	seen := map[int]bool{}
	fds := []int{l.Hear, l.Say, l.Out, l.Err}
	for _, h := range l.Listeners {
		fds = append(fds, h.FD)
	}
	for _, fd := range fds {
		if fd < 3 || fd > 1<<20 || seen[fd] {
			return nil, fmt.Errorf("%s names the descriptor %d", variable, fd)
		}
		seen[fd] = true
	}
	return &l, nil
}

// Take returns the socket for an address of the configuration; the caller owns it. nil:
// there is none, or all of them were taken.
func (h *Inheritance) Take(address string) *os.File {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, l := range h.left {
		if l.Address == address {
			h.left = append(append([]handed(nil), h.left[:i]...), h.left[i+1:]...)
			return os.NewFile(uintptr(l.FD), address)
		}
	}
	return nil
}

// CloseRest closes the sockets that were not taken, because the configuration does not have
// their addresses any more, and returns these addresses.
func (h *Inheritance) CloseRest() (addresses []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.left {
		os.NewFile(uintptr(l.FD), l.Address).Close()
		addresses = append(addresses, l.Address)
	}
	h.left = nil
	return addresses
}

// Up are the apps that the old process serves.
func (h *Inheritance) Up() []string {
	if h == nil {
		return nil
	}
	return h.handshake.Up
}

// Failed tells the old process why this one exits; only the first call counts.
func (h *Inheritance) Failed(err error) {
	if h == nil || err == nil || err.Error() == "" {
		return
	}
	h.tell("failed " + strings.Join(strings.Fields(err.Error()), " "))
}

func (h *Inheritance) tell(line string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.told {
		h.told = strings.HasPrefix(line, "failed ")
		_, _ = h.say.WriteString(line + "\n") // fails if the old process has ended
	}
}

// Ready tells the old process that the workers are ready. Orders has its reply.
func (h *Inheritance) Ready() { h.tell("ready") }

// Taken tells the old process that this one accepts connections.
func (h *Inheritance) Taken() { h.tell("taken") }

// Orders has what the old process says: "go" or "stop". It is closed before "go" if the old
// process has died, and after Taken when the service manager knows the new process.
func (h *Inheritance) Orders() <-chan string { return h.orders }

// Close ends the connection to the old process.
func (h *Inheritance) Close() { h.say.Close() }
