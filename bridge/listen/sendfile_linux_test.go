package listen

import (
	"bytes"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/spool"
)

// A file is sent from one of the places that wait for a disk: none is held while a client is waited for, and without one
// nothing is sent.
func TestSendFileHoldsAPlace(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	text := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	path := t.TempDir() + "/file"
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	send := func() (client net.Conn, sent chan error) {
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		sent = make(chan error, 1)
		go func() {
			defer c.Close()
			f, err := os.Open(path)
			if err == nil {
				defer f.Close()
				_, err = f.Seek(16, io.SeekStart)
			}
			if err == nil {
				var n int64
				if n, _, err = sendFile(c.(*net.TCPConn), f, int64(len(text))); err == nil && n != int64(len(text))-16 {
					err = io.ErrShortWrite
				}
			}
			sent <- err
		}()
		return client, sent
	}
	// More clients that read nothing than there are places.
	var waiting []net.Conn
	var all []chan error
	for range spool.DiskThreads + 8 {
		c, sent := send()
		waiting, all = append(waiting, c), append(all, sent)
	}
	for _, c := range waiting {
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	c, sent := send()
	if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, text[16:]) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	for i, c := range waiting {
		c.Close()
		if err := <-all[i]; err == nil {
			t.Error("a client that has left was sent all")
		}
	}
	// A disk that hangs holds all places.
	var free []func()
	for range spool.DiskThreads {
		free = append(free, spool.Disk())
	}
	c, sent = send()
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := c.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Error("sent without a place")
	}
	_ = c.SetReadDeadline(time.Time{})
	for _, f := range free {
		f()
	}
	if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, text[16:]) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}
