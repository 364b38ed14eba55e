package listen

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// joined reports whether the socket of c is in Go's poller.
func joined(t *testing.T, c *Conn) bool {
	t.Helper()
	s, ok := c.Conn.(*socket)
	if !ok {
		t.Fatalf("the connection is a %T", c.Conn)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.file != nil
}

// A request that is there when the connection is read, and its answer, need no poller.
func TestSocketNeedsNoPoller(t *testing.T) {
	c, client := pairOn(t, "unix", NewGroup(Options{}))
	if _, err := client.Write([]byte("request")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 16)
	if n, err := c.Read(buf); err != nil || string(buf[:n]) != "request" {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	if n, err := c.WriteParts([]byte("head"), []byte("body")); n != 8 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	c.ReadBy(time.Time{})
	if joined(t, c) {
		t.Error("it has joined the poller")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(client); err != nil || string(got) != "headbody" {
		t.Errorf("%q, %v", got, err)
	}
}

// Reads and writes that have to wait are woken by the client.
func TestSocketWaits(t *testing.T) {
	c, client := pairOn(t, "unix", NewGroup(Options{}))
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	buf := make([]byte, 16)
	go func() {
		n, err := c.Read(buf)
		done <- result{n, err}
	}()
	waitUntil(t, "the read joins the poller", func() bool { return joined(t, c) })
	client.Write([]byte("late"))
	if r := <-done; r.err != nil || string(buf[:r.n]) != "late" {
		t.Fatalf("%q, %v", buf[:r.n], r.err)
	}
	all := bytes.Repeat([]byte("0123456789"), 200_000)
	go func() {
		n, err := c.Write(all)
		c.CloseWrite()
		done <- result{n, err}
	}()
	if got, err := io.ReadAll(client); err != nil || !bytes.Equal(got, all) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if r := <-done; r.n != len(all) || r.err != nil {
		t.Errorf("%d, %v", r.n, r.err)
	}
	client.CloseWrite()
	if n, err := c.Read(buf); n != 0 || err != io.EOF {
		t.Errorf("%d, %v", n, err)
	}
}

// The first write of a connection may be the one that waits.
func TestSocketFirstWriteWaits(t *testing.T) {
	c, client := pairOn(t, "unix", NewGroup(Options{}))
	all := bytes.Repeat([]byte("0123456789"), 200_000)
	done := make(chan error, 1)
	go func() {
		_, err := c.WriteParts(all[:10], all[10:])
		c.Close()
		done <- err
	}()
	if got, err := io.ReadAll(client); err != nil || !bytes.Equal(got, all) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A deadline, and Close, end a read: before it begins, and while it waits.
func TestSocketReadsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(*Conn) error
		want error
	}{
		"deadline": {func(c *Conn) error { return c.SetReadDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded},
		"close":    {func(c *Conn) error { return c.Close() }, net.ErrClosed},
	} {
		for _, waiting := range []bool{false, true} {
			conn, client := pairOn(t, "unix", NewGroup(Options{}))
			done := make(chan error, 1)
			read := func() {
				_, err := conn.Read(make([]byte, 1))
				done <- err
			}
			if waiting {
				go read()
				waitUntil(t, "the read joins the poller", func() bool { return joined(t, conn) })
			} else {
				client.Write([]byte("x")) // a deadline that has passed counts for more
			}
			if err := c.end(conn); err != nil {
				t.Error(name, err)
			}
			if !waiting {
				go read()
			}
			if err := <-done; !errors.Is(err, c.want) {
				t.Errorf("%s, waiting %v: %v", name, waiting, err)
			}
		}
	}
}

// The addresses are those that package net has; a listener that is closed accepts no more.
func TestSocketListener(t *testing.T) {
	dir := t.TempDir()
	ln, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	ln = accepting(ln)
	for _, name := range []string{filepath.Join(dir, strings.Repeat("c", 20)), filepath.Join(dir, "c"), "@" + dir, ""} {
		var from *net.UnixAddr
		want := "@"
		if name != "" {
			from, want = &net.UnixAddr{Name: name, Net: "unix"}, name
		}
		client, err := net.DialUnix("unix", from, ln.Addr().(*net.UnixAddr))
		if err != nil {
			t.Fatal(err)
		}
		c, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if c.RemoteAddr().String() != want || c.RemoteAddr().Network() != "unix" || c.LocalAddr().String() != ln.Addr().String() {
			t.Errorf("%q: %v, %v", name, c.RemoteAddr(), c.LocalAddr())
		}
		client.Close()
		c.Close()
		if err := c.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a second Close: %v", err)
		}
	}
	done := make(chan error, 1)
	go func() {
		_, err := ln.Accept()
		done <- err
	}()
	if err := ln.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if _, err := net.Dial("unix", filepath.Join(dir, "s")); err == nil {
		t.Error("a listener that is closed still listens")
	}
}
