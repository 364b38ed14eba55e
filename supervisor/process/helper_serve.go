//go:build unix

package process

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
)

// helperArg is the hidden first argument of this program that calls RunHelper.
const helperArg = "__helper"

// helperFd is the helper's end of the socket.
const helperFd = 3

// helperServer is the root helper: it starts processes as the users in its table, sends them signals, reaps them, gives files to
// these users, and does nothing else. An attacker may control the process that it talks to: it does only what the table allows.
type helperServer struct {
	conn  *helperConn
	table HelperTable

	mu       sync.Mutex
	over     bool
	children map[uint64]*process
	running  sync.WaitGroup // starts and waits
}

// RunHelper is the whole of "standpipe __helper". It returns when its socket and all its processes have ended.
func RunHelper() error {
	// Only the serving process decides when the helper ends, not a Ctrl-C or a service
	// manager that signals all processes. The signals are caught, not ignored: children would inherit that.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2)
	conn, err := newHelperConn(os.NewFile(helperFd, "helper"))
	if err != nil {
		return err
	}
	return serveHelper(conn)
}

func serveHelper(conn *helperConn) error {
	h := &helperServer{conn: conn, children: map[uint64]*process{}}
	defer conn.c.Close()
	first, err := conn.receive(&h.table)
	h.table.led = &led{}
	closeAll(first)
	if err != nil {
		return err
	}
	for {
		var o helperOrder
		files, err := conn.receive(&o)
		if err != nil {
			closeAll(files)
			h.end()
			return err
		}
		switch {
		case o.Start != nil:
			h.running.Go(func() { h.start(o.ID, o.Start, files) })
		case o.Signal != nil:
			closeAll(files)
			h.answer(o.ID, h.signal(o.Signal))
		case o.Give != nil:
			err := h.give(*o.Give, files)
			closeAll(files)
			h.answer(o.ID, err)
		default:
			closeAll(files)
			h.answer(o.ID, errors.New("an empty order"))
		}
	}
}

// end kills the remaining processes and waits for them.
func (h *helperServer) end() {
	h.mu.Lock()
	h.over = true
	for _, p := range h.children {
		_ = p.Signal(Kill)
	}
	h.mu.Unlock()
	h.running.Wait()
}

func (h *helperServer) answer(id uint64, err error) {
	w := helperWord{ID: id}
	if err != nil {
		w.Err = err.Error()
	}
	_ = h.conn.send(w) // receive notices a socket that has ended
}

// start starts a process, sends its pid, and in the end its exit.
func (h *helperServer) start(id uint64, o *startOrder, files []*os.File) {
	p, err := h.launch(id, o, files)
	closeAll(files)
	if err != nil {
		h.answer(id, err)
		return
	}
	_ = h.conn.send(helperWord{ID: id, Pid: p.Pid()})
	e := p.Wait()
	h.mu.Lock()
	delete(h.children, id)
	h.mu.Unlock()
	_ = h.conn.send(helperWord{ID: id, Pid: p.Pid(), Exit: &e})
}

func (h *helperServer) launch(id uint64, o *startOrder, files []*os.File) (*process, error) {
	if err := h.table.permits(o); err != nil {
		return nil, err
	}
	if len(files) < 3 || len(o.Args) == 0 {
		return nil, errors.New("an order without descriptors or arguments")
	}
	o.files = files
	p, err := o.start()
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over || h.children[id] != nil {
		_ = p.Signal(Kill)
		p.Wait()
		return nil, errors.New("too late, or a number that is taken")
	}
	h.children[id] = p
	return p, nil
}

// permits says why the helper must not obey an order; nil: it may.
func (t *HelperTable) permits(o *startOrder) error {
	if o.Identity == nil {
		return errors.New("the helper starts nothing without a user")
	}
	i := slices.IndexFunc(t.Allow, func(e HelperEntry) bool { return e.Identity.Equal(*o.Identity) })
	if i < 0 {
		return fmt.Errorf("the helper may not start processes as user %d, group %d; a user that is new in the configuration needs a restart", o.Identity.UID, o.Identity.GID)
	}
	if !filepath.IsAbs(o.Path) {
		return fmt.Errorf("the helper needs an absolute path, not %q", o.Path)
	}
	if p := t.Allow[i].Programs; len(p) > 0 && !slices.ContainsFunc(p, func(p string) bool { return t.led.to(p, o.Path) }) {
		return fmt.Errorf("the helper may not start %q as user %d; an interpreter that is new in the configuration needs a restart", o.Path, o.Identity.UID)
	}
	if o.Cgroup != nil && !slices.Contains(t.Cgroups, o.Cgroup.Path) {
		return fmt.Errorf("the helper may not use the control group %q", o.Cgroup.Path)
	}
	return nil
}

// led remembers where programs led to: an interpreter in a release has another path in each deployment. The zero value is ready.
type led struct {
	mu   sync.Mutex
	from map[string][]string // program -> where its links have led to
}

// to reports whether program is path, or leads or has led to it.
func (l *led) to(program, path string) bool {
	now := RealProgram(program)
	if l == nil {
		return path == program || path == now
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.from == nil {
		l.from = map[string][]string{}
	}
	if !slices.Contains(l.from[program], now) {
		l.from[program] = append(l.from[program], now)
	}
	return path == program || slices.Contains(l.from[program], path)
}

func (h *helperServer) signal(s *helperSignal) error {
	h.mu.Lock()
	p := h.children[s.Child]
	h.mu.Unlock()
	if p == nil {
		return nil // it has ended, or was never there
	}
	return p.Signal(s.Order) // a number that was reaped is not used
}

// give changes the owner of a file: of a regular one that has at most one name and belongs to the serving process, so that no
// user gets the file of another one.
func (h *helperServer) give(to Identity, files []*os.File) error {
	if len(files) != 1 {
		return errors.New("one file at a time")
	}
	if !slices.ContainsFunc(h.table.Allow, func(e HelperEntry) bool { return e.Identity.Equal(to) }) {
		return fmt.Errorf("the helper may not give files to user %d", to.UID)
	}
	info, err := files[0].Stat()
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() || st.Nlink > 1 || st.Uid != h.table.ServerUID {
		return errors.New("not a file that may be given away")
	}
	return files[0].Chown(int(to.UID), int(to.GID))
}
