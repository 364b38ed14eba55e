package shim_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

// counts is an Owner that counts what comes once.
type counts struct{ hello, told int }

func (o *counts) Noise([]byte)                               {}
func (o *counts) Hello(*wire.Hello)                          { o.hello++ }
func (o *counts) Ready(*wire.Ready)                          { o.told++ }
func (o *counts) Failed(*wire.Failed)                        { o.told++ }
func (o *counts) Log(*shim.Label, *wire.LogRecord)           {}
func (o *counts) Stacks(string)                              {}
func (o *counts) Freed(*shim.Exchange, shim.Outcome)         {}
func (o *counts) Expired(*shim.Exchange, shim.Cause, string) {}
func (o *counts) Stuck(int)                                  {}
func (o *counts) Debug(shim.Debugging, func(string, error)) func() {
	return func() {}
}
func (o *counts) Purge(_ *wire.Purge, done func(int, error)) { done(0, nil) }

// script is one end of a pipe: what is read is given, what is written is dropped.
type script struct{ io.Reader }

func (script) Write(p []byte) (int, error) { return len(p), nil }
func (script) Close() error                { return nil }

// FuzzConn has a worker say arbitrary bytes on both ways, one after the other: an error at
// the end in any case, no message of the boot twice, nothing that was not asked for.
func FuzzConn(f *testing.F) {
	hello := wire.AppendFrame(nil, wire.Frame{Kind: wire.KindHello, Payload: []byte{0x80}})
	ready := wire.AppendFrame(nil, wire.Frame{Kind: wire.KindReady, Payload: []byte{0x80}})
	f.Add(append(append([]byte{}, hello...), ready...), []byte{})
	f.Add(append(append([]byte{}, hello...), hello...), wire.AppendFrame(nil, wire.Frame{Kind: wire.KindStacks, Payload: []byte{0xa0}}))
	f.Add([]byte{}, wire.AppendFrame(nil, wire.Frame{Kind: wire.KindRecalled, Payload: []byte{0, 0, 0, 1}}))
	f.Add([]byte("x"), wire.AppendFrame(nil, wire.Frame{Kind: wire.KindFile, Stream: 1, Payload: make([]byte, 16)}))
	f.Fuzz(func(t *testing.T, pipe, control []byte) {
		for _, c := range []io.ReadWriteCloser{nil, script{bytes.NewReader(control)}} {
			o := &counts{}
			ends := shim.Ends{R: script{bytes.NewReader(pipe)}, W: script{}, Control: c}
			if c != nil {
				ends.R = script{bytes.NewReader(nil)}
			}
			if err := shim.NewConn("fuzz/1", ends, o).Run(); err == nil {
				t.Error("it has no end")
			} else if pe := (*wire.ProtocolError)(nil); errors.As(err, &pe) && len(pe.Saw) > 64 {
				t.Errorf("%d bytes in the error", len(pe.Saw))
			}
			if o.hello > 1 || o.told > 0 { // no Boot went out
				t.Errorf("%+v", o)
			}
		}
	})
}
