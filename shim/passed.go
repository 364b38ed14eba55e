package shim

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/standpipe/standpipe/shim/wire"
)

// File is a regular file that an app gave for the body of its answer. Whoever gets
// one closes it.
type File struct {
	*os.File
	// Offset and Length say which octets are the body; in octets. The file may have
	// fewer by now.
	Offset, Length int64
	// Shared: the file's position is the worker's too. It is read with ReadAt alone.
	Shared bool
}

// passing is the state of a file that is handed over. The Exchange's mu guards it.
type passing struct {
	file           *File // came, and nobody has asked for it
	came           bool
	taken, refused bool
}

// drop closes the file that nobody has asked for.
func (p *passing) drop() {
	if p.file != nil {
		p.file.Close()
		p.file = nil
	}
}

// takeFile gives a descriptor to its exchange. It runs on the reader of the
// control socket, which is in no order with the frames of the pipe: a stream that
// is not there has ended meanwhile.
func (c *Conn) takeFile(f wire.Frame, in *rights) error {
	file := in.next()
	if file == nil {
		return wire.Errorf(nil, "a File on stream %d without a descriptor", f.Stream)
	}
	offset, length, err := wire.DecodeFile(f.Payload)
	if err != nil {
		file.Close()
		return err
	}
	c.mu.Lock()
	x := c.streams[f.Stream]
	c.files++
	many := c.files > c.sends // each request has one answer
	c.mu.Unlock()
	if x == nil {
		file.Close()
		if many {
			return wire.Errorf(nil, "more files than requests")
		}
		return nil
	}
	return x.takeFile(&File{File: file, Offset: offset, Length: length, Shared: true})
}

func (x *Exchange) takeFile(f *File) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.passed.came {
		f.Close()
		return wire.Errorf(nil, "a second File on stream %d", x.id)
	}
	x.passed.came = true
	if x.closed || x.ended { // the worker hears of it, or has
		f.Close()
		return nil
	}
	x.passed.file = f
	wake(x.wakeRead)
	return nil
}

// File waits for the file of a Head that has one, and takes it: the worker is free
// from then on, but for the app's own close. nil without an error: it is none that
// can be sent, and Next brings its octets. Errors are Head's.
func (x *Exchange) File(ctx context.Context) (*File, error) {
	f, err := x.awaitFile(ctx)
	if err != nil {
		return nil, err
	}
	k := wire.KindFileTaken
	if !f.own() {
		k = wire.KindFileRefused
		f.Close()
		f = nil
	}
	x.mu.Lock()
	x.passed.taken, x.passed.refused = f != nil, f == nil
	x.mu.Unlock()
	_ = x.conn.out.send(false, func(b []byte) ([]byte, error) { // a write that fails shows in what is read
		return wire.AppendFrame(b, wire.Frame{Kind: k, Stream: x.id}), nil
	})
	return f, nil
}

func (x *Exchange) awaitFile(ctx context.Context) (*File, error) {
	for {
		x.mu.Lock()
		if f := x.passed.file; f != nil {
			x.passed.file = nil
			x.mu.Unlock()
			return f, nil
		}
		if x.ended {
			defer x.mu.Unlock()
			if x.err == nil {
				return nil, fmt.Errorf("%s: %w", x.conn.name, wire.Errorf(nil, "the end of stream %d before its file came", x.id))
			}
			return nil, x.failure()
		}
		x.mu.Unlock()
		select {
		case <-x.wakeRead:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// own reports whether f is a regular file that may be read, and gives it a
// position of its own where it can: the descriptor shares the worker's. It is
// opened through this process's own table, so a file without a name will do.
func (f *File) own() bool {
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() || !readable(f.File) {
		return false
	}
	again, err := openAgain("/proc/self/fd/" + strconv.Itoa(int(f.Fd())))
	if err != nil { // no /proc, a file of another user's, or one with a lease: ReadAt will do
		return true
	}
	if now, err := again.Stat(); err != nil || !os.SameFile(st, now) {
		again.Close()
		return true
	}
	f.File.Close()
	f.File, f.Shared = again, false
	return true
}
