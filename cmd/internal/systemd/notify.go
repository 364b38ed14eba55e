package systemd

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Notifier sends messages to the service manager. All methods of a nil Notifier do nothing:
// there is no service manager.
type Notifier struct {
	address  string
	watchdog time.Duration // within which the manager expects keep-alives; 0: it expects none
	failed   func(error)

	mu      sync.Mutex
	silent  bool
	phases  int    // starts, reloads and stops in progress
	reloads int    // of these the reloads
	booting bool   // between Starting and Ready
	status  string // the last one sent
	told    bool   // failed was called
}

// sendTimeout bounds a message to a manager that does not read.
const sendTimeout = 5 * time.Second

// Open returns a Notifier for the process pid with that environment; nil: there is no service
// manager (NOTIFY_SOCKET). failed is called for the first message that could not be sent.
func Open(getenv func(string) string, pid int, failed func(error)) *Notifier {
	address := getenv("NOTIFY_SOCKET")
	if address == "" {
		return nil
	}
	n := &Notifier{address: address, failed: failed}
	if p := getenv("WATCHDOG_PID"); p == "" || p == strconv.Itoa(pid) {
		if usec, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64); err == nil && usec > 0 && usec < 1<<50 {
			n.watchdog = time.Duration(usec) * time.Microsecond
		}
	}
	if address[0] != '/' && address[0] != '@' {
		n.silent = true
		failed(fmt.Errorf("NOTIFY_SOCKET=%s: want a path, or @ and a name", address))
	}
	return n
}

// send writes one message: lines of NAME=value. mu is held.
func (n *Notifier) send(lines ...string) {
	if n.silent {
		return
	}
	err := func() error {
		// net takes a leading @ for the abstract namespace, as systemd does.
		c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.address, Net: "unixgram"})
		if err != nil {
			return err
		}
		defer c.Close()
		_ = c.SetWriteDeadline(time.Now().Add(sendTimeout))
		_, err = c.Write([]byte(strings.Join(lines, "\n")))
		return err
	}()
	if err != nil && !n.told {
		n.told = true
		n.failed(err)
	}
}

// Starting begins a start: until Ready the manager's timeout is extended.
func (n *Notifier) Starting() {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.phases++
	n.booting = true
	n.send(extension())
}

// Ready tells that the service serves, and ends the start.
func (n *Notifier) Ready() {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.booting {
		n.booting = false
		n.phases--
	}
	n.send("READY=1")
}

// Reloading begins a reload; done ends it, whatever its result. Reloads may overlap: READY is
// sent when the last of them has ended.
func (n *Notifier) Reloading() (done func()) {
	if n == nil {
		return func() {}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.reloads++
	n.phases++
	// By the time the manager knows that this is the response to its signal (Type=notify-reload).
	n.send("RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", monotonic()), extension())
	return sync.OnceFunc(func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.phases--
		if n.reloads--; n.reloads == 0 {
			n.send("READY=1")
		}
	})
}

// Stopping begins the stop; the manager's timeout is extended until the process exits.
func (n *Notifier) Stopping() {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.phases++
	n.send("STOPPING=1", extension())
}

// HandOver makes another process the main process of the service. It is the last message of
// this one: the manager would take later ones for messages of the other.
func (n *Notifier) HandOver(pid int) {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.send("MAINPID=" + strconv.Itoa(pid))
	n.silent = true
}

// Status sends the state of the service in one line, if it has changed.
func (n *Notifier) Status(text string) {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	text = strings.ReplaceAll(text, "\n", " ")
	if text != n.status {
		n.status = text
		n.send("STATUS=" + text)
	}
}

// extendBy is how long the manager waits for the next message of a phase, and extendEvery is
// how often that is extended.
const (
	extendBy    = 30 * time.Second
	extendEvery = 5 * time.Second
)

func extension() string { return fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", extendBy.Microseconds()) }
