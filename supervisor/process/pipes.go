package process

import (
	"crypto/rand"
	"fmt"
	"os"

	"github.com/standpipe/standpipe/shim"
)

// pipes are the pipes of one child that is to be started, and its nonce.
type pipes struct {
	fdSet
	nonce                 []byte
	stdin, stdout, output ends
	extra                 extras
}

// makePipes makes all of them or none.
func makePipes() (*pipes, error) {
	p := &pipes{nonce: make([]byte, 16)}
	_, _ = rand.Read(p.nonce) // never fails
	p.stdin, p.stdout, p.output = p.pipe(toChild), p.pipe(fromChild), p.pipe(fromChild)
	p.extra = p.extras()
	if p.err != nil {
		p.closeOurs()
		p.closeTheirs()
		return nil, fmt.Errorf("cannot make the worker's pipes: %w", p.err)
	}
	return p, nil
}

// theirs are the descriptors of the child, from 0 on.
func (p *pipes) theirs() []*os.File {
	return append([]*os.File{p.stdin.theirs, p.stdout.theirs, p.output.theirs}, p.extra.files...)
}

// release closes the life pipe.
func (p *pipes) release() {
	if p.extra.life != nil {
		p.extra.life.Close()
	}
}

// child is the process that has the other ends.
func (p *pipes) child(started Process) *Child {
	c := &Child{
		Process: started,
		Ends:    shim.Ends{R: p.stdout.ours, W: p.stdin.ours, Nonce: p.nonce},
		Output:  p.output.ours,
		Release: p.release,
	}
	if p.extra.control != nil { // a nil *os.File is not a nil interface
		c.Ends.Control = p.extra.control
	}
	if p.extra.stacks != nil {
		c.Stacks = p.extra.stacks
	}
	return c
}

type direction bool

const (
	toChild   direction = false
	fromChild direction = true
)

// ends are the two ends of a pipe.
type ends struct{ ours, theirs *os.File }

// fdSet collects the pipe ends that are made for one child, and keeps the first error.
type fdSet struct {
	made []ends
	err  error
}

func (s *fdSet) pipe(d direction) ends {
	if s.err != nil {
		return ends{}
	}
	r, w, err := os.Pipe()
	if err != nil {
		s.err = err
		return ends{}
	}
	e := ends{ours: w, theirs: r}
	if d == fromChild {
		e = ends{ours: r, theirs: w}
	}
	s.made = append(s.made, e)
	return e
}

func (s *fdSet) closeTheirs() {
	for _, e := range s.made {
		e.theirs.Close()
	}
}

func (s *fdSet) closeOurs() {
	for _, e := range s.made {
		e.ours.Close()
	}
}

// extras are the descriptors from 3 on, in that order, and our ends of them.
type extras struct {
	files                 []*os.File
	control, life, stacks *os.File
}
