package upstream

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"
)

// The deadline of an earlier read ends no later one, and each read ends in time.
func TestReadsOfASocket(t *testing.T) {
	t.Parallel()
	c, peer := ends(t)
	s, p := c.socket, make([]byte, 1)
	var at time.Time
	for limit := 100 * time.Millisecond; ; limit *= 2 {
		at = time.Now().Add(limit)
		s.readBy(at)
		time.AfterFunc(10*time.Millisecond, func() { io.WriteString(peer, "a") })
		_, err := s.Read(p)
		if err == nil && !s.armed.IsZero() {
			break
		}
		if time.Now().Before(at) && err != nil {
			t.Fatal(err)
		}
		if s.readBy(time.Time{}); err != nil { // this machine is slow: the byte is still to come
			if _, err := s.Read(p); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.readBy(time.Time{})
	for range 2 { // without a limit, and with a later one
		time.AfterFunc(time.Until(at)+100*time.Millisecond, func() { io.WriteString(peer, "b") })
		if _, err := s.Read(p); err != nil || p[0] != 'b' {
			t.Fatal(err)
		}
		s.readBy(time.Now().Add(time.Minute))
	}
	if s.armed.IsZero() || !s.alive() {
		t.Error("a socket with a deadline is not alive")
	}
	s.readBy(time.Now().Add(50 * time.Millisecond))
	if _, err := s.Read(p); !TimedOut(err) || !errors.Is(err, os.ErrDeadlineExceeded) || !Broken(err) {
		t.Error(err)
	}
	s.readBy(time.Time{}) // while a read waits, it gets a limit
	time.AfterFunc(10*time.Millisecond, func() { s.readBy(time.Now().Add(10 * time.Millisecond)) })
	if _, err := s.Read(p); !TimedOut(err) {
		t.Error(err)
	}
	s.readBy(time.Now().Add(time.Minute))
	io.WriteString(peer, "c")
	if _, err := s.Read(p); err != nil || p[0] != 'c' {
		t.Error("a socket is of no use behind a deadline", err)
	}
	peer.Close()
	if _, err := s.Read(p); err != io.EOF {
		t.Error(err)
	}
}

// A write has a limit while nothing is taken, and none behind it.
func TestWritesOfASocket(t *testing.T) {
	t.Parallel()
	c, peer := ends(t)
	s := c.socket
	s.send = 50 * time.Millisecond
	much := make([]byte, 32<<20)
	if n, err := s.Write(much); !TimedOut(err) || n == len(much) {
		t.Errorf("%d %v", n, err)
	}
	go io.Copy(io.Discard, peer) // ends with the connection
	s.send = 10 * time.Second
	for range 2 {
		if n, err := s.Write(much[:1<<20]); err != nil || n != 1<<20 {
			t.Errorf("%d %v", n, err)
		}
	}
}

// The end of a request ends its waits, whatever limits they get afterwards; contexts that are made of it end too.
func TestEnding(t *testing.T) {
	t.Parallel()
	c, _ := ends(t)
	e, cause := &Ending{}, errors.New("over")
	if e.watch(c.socket) || !e.Again() {
		t.Error("it has ended")
	}
	e.watch(c.socket)
	ctx, cancel := context.WithCancel(e)
	defer cancel()
	time.AfterFunc(20*time.Millisecond, func() { e.Cancel(cause); e.Cancel(io.EOF) })
	if _, err := c.Conn.Read(make([]byte, 1)); !TimedOut(err) {
		t.Error(err)
	}
	<-ctx.Done()
	c.socket.readBy(time.Now().Add(time.Hour))
	if _, err := c.Conn.Read(make([]byte, 1)); !TimedOut(err) {
		t.Error(err)
	}
	if _, err := c.Conn.Write([]byte("x")); !TimedOut(err) {
		t.Error(err)
	}
	if e.Cause() != cause || e.Err() != context.Canceled || !e.watch(nil) || e.Again() {
		t.Error(e.Cause())
	}
	stopped := &Ending{}
	_, stop := context.WithCancel(stopped)
	if len(stopped.after) != 1 {
		t.Error("package context starts a goroutine")
	}
	if stop(); len(stopped.after) != 0 {
		t.Error("a context that has ended stays")
	}
	late, never := &Ending{}, &Ending{}
	late.Cancel(io.EOF)
	ctx, stop = context.WithCancel(late)
	if stop(); ctx.Err() == nil || !late.watch(c.socket) {
		t.Error("an end that has come is none")
	}
	if never.Cancel(io.EOF); !never.Again() || never.Err() != nil || never.Cause() != nil {
		t.Error("it is not as it was")
	}
}
