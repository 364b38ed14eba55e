package shim

import (
	"bytes"
	"io"

	"github.com/standpipe/standpipe/shim/wire"
)

// pipeReader reads a worker's frames.
type pipeReader struct {
	conn *Conn
	r    io.Reader
}

// run reads the nonce, then frames, until the pipe ends or fails.
func (r *pipeReader) run() error {
	rest, err := r.preamble()
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		r.r = io.MultiReader(bytes.NewReader(rest), r.r)
	}
	fr := wire.NewReader(r.r)
	for {
		f, err := fr.Next()
		if err == nil {
			err = r.take(f, fr)
		}
		if err != nil {
			return err
		}
	}
}

// preamble reads up to the nonce and returns what came after it.
func (r *pipeReader) preamble() ([]byte, error) {
	nonce, owner := r.conn.ends.Nonce, r.conn.owner
	if len(nonce) == 0 {
		return nil, nil
	}
	var seen []byte
	buf := make([]byte, 4096)
	for {
		n, err := r.r.Read(buf)
		seen = append(seen, buf[:n]...)
		if noise, rest, found := bytes.Cut(seen, nonce); found {
			if len(noise) > 0 {
				owner.Noise(noise)
			}
			return rest, nil
		}
		if err != nil {
			if len(seen) > 0 {
				owner.Noise(seen)
			}
			return nil, err
		}
		if len(seen) > wire.MaxNoise {
			return nil, wire.Errorf(seen, "%d bytes of output before the worker's first frame", len(seen))
		}
	}
}

// take acts on one frame of the worker's.
func (r *pipeReader) take(f wire.Frame, fr *wire.Reader) error {
	c := r.conn
	switch f.Kind {
	case wire.KindHead, wire.KindBody, wire.KindEnd, wire.KindError, wire.KindWindow, wire.KindBodyWanted, wire.KindEarlyHints:
		c.mu.Lock()
		x := c.streams[f.Stream]
		c.mu.Unlock()
		if x == nil {
			if f.Kind == wire.KindWindow { // it may have crossed the answer's end
				return nil
			}
			return wire.Errorf(f.Payload, "%v frame for stream %d, which is not open", f.Kind, f.Stream)
		}
		return x.take(f, fr)
	case wire.KindLog:
		m, err := wire.DecodeLog(f.Payload)
		if err == nil {
			c.owner.Log(r.label(f.Stream), m)
		}
		return err
	case wire.KindHello, wire.KindReady, wire.KindFailed:
		return r.boots(f)
	}
	return wire.Errorf(nil, "%v frame from a worker", f.Kind)
}

// boots acts on a message of the boot: each comes once, in its place.
func (r *pipeReader) boots(f wire.Frame) error {
	from, to := bootSent, bootDone
	if f.Kind == wire.KindHello {
		from, to = bootNew, bootHello
	}
	if err := r.step(f, from, to); err != nil {
		return err
	}
	switch f.Kind {
	case wire.KindHello:
		m, err := wire.DecodeHello(f.Payload)
		if err == nil {
			r.conn.owner.Hello(m)
		}
		return err
	case wire.KindReady:
		m, err := wire.DecodeReady(f.Payload)
		if err == nil {
			r.conn.owner.Ready(m)
		}
		return err
	}
	m, err := wire.DecodeFailed(f.Payload)
	if err == nil {
		r.conn.owner.Failed(m)
	}
	return err
}

// step takes the boot one stage on. It comes before the message is decoded.
func (r *pipeReader) step(f wire.Frame, from, to bootStage) error {
	c := r.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.boot != from {
		return wire.Errorf(nil, "a %v at the wrong time, or a second one", f.Kind)
	}
	c.boot = to
	return nil
}

func (r *pipeReader) label(stream uint32) *Label {
	r.conn.mu.Lock()
	defer r.conn.mu.Unlock()
	if x := r.conn.streams[stream]; x != nil {
		return &x.label
	}
	return nil
}
