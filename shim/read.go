package shim

import (
	"bytes"
	"errors"
	"io"

	"github.com/standpipe/standpipe/shim/wire"
)

// read is the reader: the nonce, then frames.
func (c *Conn) read() error {
	rest, err := c.preamble()
	if err != nil {
		return err
	}
	var r io.Reader = c.ends.R
	if len(rest) > 0 {
		r = io.MultiReader(bytes.NewReader(rest), r)
	}
	fr := wire.NewReader(r)
	for {
		f, err := fr.Next()
		if err == nil {
			err = c.take(f, fr)
		}
		if err != nil {
			return err
		}
	}
}

// preamble reads up to the nonce and returns what came after it.
func (c *Conn) preamble() ([]byte, error) {
	if len(c.ends.Nonce) == 0 {
		return nil, nil
	}
	var seen []byte
	buf := make([]byte, 4096)
	for {
		n, err := c.ends.R.Read(buf)
		seen = append(seen, buf[:n]...)
		if noise, rest, found := bytes.Cut(seen, c.ends.Nonce); found {
			if len(noise) > 0 {
				c.owner.Noise(noise)
			}
			return rest, nil
		}
		if err != nil {
			if len(seen) > 0 {
				c.owner.Noise(seen)
			}
			return nil, err
		}
		if len(seen) > wire.MaxNoise {
			return nil, wire.Errorf(seen, "%d octets of output before the worker's first frame", len(seen))
		}
	}
}

// take acts on one frame of the worker's.
func (c *Conn) take(f wire.Frame, fr *wire.Reader) error {
	switch f.Kind {
	case wire.KindHello:
		if err := c.step(f, bootNew, bootHello); err != nil {
			return err
		}
		m, err := wire.DecodeHello(f.Payload)
		if err == nil {
			c.owner.Hello(m)
		}
		return err
	case wire.KindReady:
		if err := c.step(f, bootSent, bootDone); err != nil {
			return err
		}
		m, err := wire.DecodeReady(f.Payload)
		if err == nil {
			c.owner.Ready(m)
		}
		return err
	case wire.KindFailed:
		if err := c.step(f, bootSent, bootDone); err != nil {
			return err
		}
		m, err := wire.DecodeFailed(f.Payload)
		if err == nil {
			c.owner.Failed(m)
		}
		return err
	case wire.KindLog:
		m, err := wire.DecodeLog(f.Payload)
		if err == nil {
			c.owner.Log(c.label(f.Stream), m)
		}
		return err
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
	}
	return wire.Errorf(nil, "%v frame from a worker", f.Kind)
}

// step takes the boot one stage on. It comes before the message is decoded.
func (c *Conn) step(f wire.Frame, from, to bootStage) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.boot != from {
		return wire.Errorf(nil, "a %v at the wrong time, or a second one", f.Kind)
	}
	c.boot = to
	return nil
}

// asked takes one from what is still to be answered on the control socket, so that a
// worker cannot say there what it was not asked for.
func (c *Conn) asked(orders *int, f wire.Frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if *orders <= 0 {
		return wire.Errorf(f.Payload, "a %v that was not asked for", f.Kind)
	}
	*orders--
	return nil
}

func (c *Conn) label(stream uint32) *Label {
	c.mu.Lock()
	defer c.mu.Unlock()
	if x := c.streams[stream]; x != nil {
		return &x.label
	}
	return nil
}

// controlSize holds the usual frames of a control socket, which is idle nearly always;
// octets.
const controlSize = 4 << 10

// readControl reads the shim's answers until the socket ends. What does not
// follow the protocol ends the Conn like anything else.
func (c *Conn) readControl() {
	in := newRights(c.ends.Control)
	defer in.close()
	fr := wire.NewReaderSize(in, controlSize)
	for {
		f, err := fr.Next()
		if err == nil {
			err = c.takeControl(f, in)
		}
		if pe := (*wire.ProtocolError)(nil); errors.As(err, &pe) {
			c.fail(err)
			c.Close()
		}
		if err != nil {
			return
		}
	}
}

// takeControl acts on one frame of the control socket.
func (c *Conn) takeControl(f wire.Frame, in *rights) error {
	switch f.Kind {
	case wire.KindFile:
		return c.takeFile(f, in)
	case wire.KindMemory:
		return c.takeMemory(in)
	case wire.KindStacks:
		if err := c.asked(&c.dumps, f); err != nil {
			return err
		}
		text, err := wire.DecodeText(f.Payload)
		if err == nil {
			c.owner.Stacks(text)
		}
		return err
	case wire.KindRecalled:
		if err := c.asked(&c.line.recalls, f); err != nil {
			return err
		}
		return c.takeRecalled(f.Payload)
	}
	return wire.Errorf(nil, "%v frame on the control socket", f.Kind)
}
