package upgrade

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/standpipe/standpipe/supervisor/process"
)

// handshake is what a new process gets at its start, as JSON in the variable.
type handshake struct {
	// Parent is the pid of the old process: the handshake is only for its child.
	Parent int `json:"parent"`
	// Hear and Say are the pipe ends; Out and Err are the standard output and error that
	// the new process gets: until it has read this, its output is captured.
	Hear, Say, Out, Err int
	Listeners           []handed `json:"listeners"`
	// Up are the apps that serve now: the new process must serve all of them.
	Up []string `json:"up"`
	// Kept is how many lines of the pipe come first that have secrets; 0: none.
	Kept int `json:"kept,omitempty"`
}

type handed struct {
	Address string `json:"address"`
	FD      int    `json:"fd"`
}

const variable = "STANDPIPE_UPGRADE"

// Listener is an open socket and its name in the configuration.
type Listener struct {
	Address string
	File    *os.File
}

// Options say what is started.
type Options struct {
	Program string   // path
	Args    []string // the whole command line, with Args[0]
	Env     []string
	Dir     string
	// Listeners that it gets. The caller closes them.
	Listeners []Listener
	Up        []string
	// Kept are secrets by name. They go over the pipe: the environment can be read by others.
	Kept map[string][]byte
	// Limit is how long it may take until it is ready; 0: no limit.
	Limit time.Duration
}

// Program finds the program again by the name that it was started by, so that a new file in
// its place is started: links and PATH are followed again. dir is the folder of the start,
// fallback the path if the name leads nowhere.
func Program(name, dir, fallback string) string {
	path := name
	switch {
	case !strings.ContainsRune(name, filepath.Separator):
		found, err := exec.LookPath(name)
		if err != nil {
			return fallback
		}
		path = found
	case !filepath.IsAbs(name):
		path = filepath.Join(dir, name)
	}
	if _, err := os.Stat(path); err != nil && fallback != "" {
		return fallback
	}
	return path
}

// Start starts the new process. The error says that it could not be started.
func Start(o Options) (*Attempt, error) {
	a := &Attempt{done: make(chan error, 1), lines: make(chan string, 4), exited: make(chan struct{}), abort: make(chan struct{})}
	var pipes [6]*os.File
	for i := 0; i < len(pipes); i += 2 {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(pipes[:]...)
			return nil, err
		}
		pipes[i], pipes[i+1] = r, w
	}
	hear, theirSay, theirHear, say, output, theirOutput := pipes[0], pipes[1], pipes[2], pipes[3], pipes[4], pipes[5]
	l := handshake{Parent: os.Getpid(), Up: o.Up, Hear: 3, Say: 4, Out: 5, Err: 6, Kept: len(o.Kept)}
	extra := []*os.File{theirHear, theirSay, os.Stdout, os.Stderr}
	for _, ln := range o.Listeners {
		l.Listeners = append(l.Listeners, handed{ln.Address, 3 + len(extra)})
		extra = append(extra, ln.File)
	}
	text, err := json.Marshal(l)
	if err != nil {
		closeAll(pipes[:]...)
		return nil, err
	}
	a.cmd = &exec.Cmd{
		Path: o.Program, Args: o.Args, Dir: o.Dir, Env: append(without(o.Env), variable+"="+string(text)),
		Stdin: os.Stdin, Stdout: theirOutput, Stderr: theirOutput, ExtraFiles: extra,
	}
	err = process.Track(func() (int, error) {
		if err := a.cmd.Start(); err != nil {
			return 0, err
		}
		return a.cmd.Process.Pid, nil
	})
	closeAll(theirSay, theirHear, theirOutput)
	if err != nil {
		closeAll(hear, say, output)
		return nil, err
	}
	a.Pid, a.say = a.cmd.Process.Pid, say
	a.keep(o.Kept)
	caught := make(chan struct{})
	go func() { defer close(caught); _, _ = io.Copy(&a.output, output); output.Close() }()
	go func() {
		defer close(a.lines)
		defer hear.Close()
		for s := bufio.NewScanner(hear); s.Scan(); { // a line is at most 64 KiB
			a.lines <- s.Text()
		}
	}()
	go func() {
		a.state, _ = a.cmd.Process.Wait()
		process.Untrack(a.Pid)
		select {
		case <-caught: // its children may hold it open
		case <-time.After(5 * time.Second):
		}
		close(a.exited)
	}()
	go a.run(o.Limit)
	return a, nil
}

func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}

// without is env without the handshake for this process.
func without(env []string) []string {
	list := make([]string, 0, len(env)+1)
	for _, v := range env {
		if !strings.HasPrefix(v, variable+"=") {
			list = append(list, v)
		}
	}
	return list
}
