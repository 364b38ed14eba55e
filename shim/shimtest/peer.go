package shimtest

import (
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/vmihailenco/msgpack/v5"
)

// Request is a request as the worker sees it.
type Request struct {
	Stream uint32
	Vars   map[string]string
	Body   []byte // inline bytes
	Last   bool   // Body is all there is
	peer   *Peer
	more   chan chunk
	gone   chan struct{} // closed by a Cancel
	asked  bool          // for a body on demand
}

type chunk struct {
	p    []byte
	last bool
}

// ReadAll returns the whole body: the file's, or what the frames bring, giving
// credit as it goes. A file that cannot be read is refused.
func (r *Request) ReadAll() []byte {
	if path, ok := r.Vars["standpipe.body_file"]; ok {
		if p, err := os.ReadFile(path); err == nil && !r.peer.NoFiles {
			return p
		}
		_ = r.peer.Send(wire.Frame{Kind: wire.KindBodyWanted, Stream: r.Stream})
	}
	body := append([]byte(nil), r.Body...)
	for !r.Last {
		p, ok := r.Next()
		if !ok {
			break
		}
		body = append(body, p...)
	}
	return body
}

// Next waits for the next bytes that frames bring, and gives credit for them. It
// reports false when the pipe ends before the body does, and after a Cancel. Last
// is set with the last.
func (r *Request) Next() ([]byte, bool) {
	if r.Vars["standpipe.body_on_demand"] != "" && !r.asked {
		r.asked = true
		_ = r.peer.Send(wire.Frame{Kind: wire.KindBodyWanted, Stream: r.Stream})
	}
	select {
	case c, ok := <-r.more:
		if !ok {
			return nil, false
		}
		r.Last = c.last
		_ = r.peer.Window(r.Stream, len(c.p))
		return c.p, true
	case <-r.gone:
		return nil, false
	}
}

// Peer is the worker's end.
type Peer struct {
	r       io.Reader
	control io.ReadWriter
	// Handle runs for each request in a goroutine of its own; nil: requests are
	// answered 200 "hello".
	Handle func(r *Request, p *Peer)
	// NoFiles: bodies in files are refused, as by a worker that cannot see them.
	NoFiles bool
	// Purged gets the answers to its Purges; nil: they are dropped.
	Purged func(number uint32, payload []byte)
	// Terminal gets the answers to its Debugs; nil: they are dropped.
	Terminal func(number uint32, payload []byte)
	// Bodies counts the Body frames that came.
	Bodies atomic.Int64
	// Cancelled is called for each Cancel; nil: ignored.
	Cancelled func(stream uint32)
	// Interrupted is called for each Interrupt; nil: ignored.
	Interrupted func(stream uint32, c shim.Cause)
	// Recall is called with the streams of each Recall, and says which of them were
	// not begun; mute: it has no answer at all. nil: all were begun.
	Recall func(streams []uint32) (back []uint32, mute bool)
	// FileWord is called for each FileTaken and FileRefused; nil: ignored.
	FileWord func(stream uint32, taken bool)
	// Nonce is written before Hello.
	Nonce []byte
	// Fail is sent in place of Ready when it is not nil.
	Fail *wire.Failed
	// Boot is what Go sent; valid in Handle.
	Boot map[string]any

	mu     sync.Mutex
	w      io.Writer
	body   map[uint32]*Request // that have more to come
	newest uint32
	early  map[uint32]bool // cancelled before the Request came
	wg     sync.WaitGroup

	credits credits
}

// New returns a peer on r and w; control may be nil.
func New(r io.Reader, w io.Writer, control io.ReadWriter) *Peer {
	p := &Peer{r: r, w: w, control: control, body: map[uint32]*Request{}, early: map[uint32]bool{}}
	p.credits.init()
	return p
}

// Pipe returns Go's ends and a peer on the other ends, in memory.
func Pipe() (shim.Ends, *Peer) {
	inR, inW := net.Pipe()
	outR, outW := net.Pipe()
	ctlGo, ctlPeer := net.Pipe()
	p := New(inR, closer{outW, inR, ctlPeer}, ctlPeer)
	return shim.Ends{R: outR, W: inW, Control: ctlGo}, p
}

type closer struct {
	net.Conn
	in, ctl net.Conn
}

func (c closer) Close() error { c.in.Close(); c.ctl.Close(); return c.Conn.Close() }

// Close ends the peer like a death: all its ends are closed.
func (p *Peer) Close() {
	if c, ok := p.w.(io.Closer); ok {
		c.Close()
	}
}

// Send writes one frame.
func (p *Peer) Send(f wire.Frame) error { return p.Raw(wire.AppendFrame(nil, f)) }

// Raw writes bytes as they are.
func (p *Peer) Raw(b []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := p.w.Write(b)
	return err
}

// Message writes a frame with a map on stream.
func (p *Peer) Message(k wire.Kind, stream uint32, m map[string]any) error {
	b, err := msgpack.Marshal(m)
	if err != nil {
		return err
	}
	return p.Send(wire.Frame{Kind: k, Stream: stream, Payload: b})
}

// Answer writes a whole answer in one frame.
func (p *Peer) Answer(stream uint32, status string, body string, fields ...string) error {
	return p.Head(stream, status, body, true, fields...)
}

// Head writes a Head frame with the first bytes of the body.
func (p *Peer) Head(stream uint32, status, body string, last bool, fields ...string) error {
	h := &wire.Head{Status: status}
	for i := 0; i+1 < len(fields); i += 2 {
		h.Fields = append(h.Fields, wire.Field{Name: fields[i], Value: fields[i+1]})
	}
	return p.Raw(wire.AppendHead(nil, stream, h, []byte(body), last))
}

// Body writes a Body frame.
func (p *Peer) Body(stream uint32, body string, last bool) error {
	f := wire.Frame{Kind: wire.KindBody, Stream: stream, Payload: []byte(body)}
	if last {
		f.Flags = wire.FlagEnd
	}
	return p.Send(f)
}

// Window gives Go credit.
func (p *Peer) Window(stream uint32, n int) error {
	return p.Send(wire.Frame{Kind: wire.KindWindow, Stream: stream, Payload: binary.BigEndian.AppendUint32(nil, uint32(n))})
}

// Run speaks until its requests end: nonce, Hello, Boot, Ready or Failed, then
// requests. It returns when its handlers have returned.
func (p *Peer) Run() error {
	defer p.wg.Wait()
	defer p.credits.close()
	if p.control != nil {
		go p.readControl() // ends with the control socket, which the other side closes
	}
	if err := p.Hello(); err != nil {
		return err
	}
	fr := wire.NewReader(p.r)
	for {
		f, err := fr.Next()
		if err != nil {
			p.mu.Lock()
			for id, r := range p.body {
				close(r.more)
				delete(p.body, id)
			}
			p.mu.Unlock()
			if err == io.EOF {
				return nil
			}
			return err
		}
		if err := p.take(f); err != nil {
			return err
		}
	}
}

// Hello writes the nonce and Hello.
func (p *Peer) Hello() error {
	if err := p.Raw(p.Nonce); err != nil {
		return err
	}
	return p.Message(wire.KindHello, 0, map[string]any{"pid": os.Getpid(), "python": "3.0", "control": p.control != nil})
}

func (p *Peer) take(f wire.Frame) error {
	switch f.Kind {
	case wire.KindBoot:
		if err := msgpack.Unmarshal(f.Payload, &p.Boot); err != nil {
			return err
		}
		if m := p.Fail; m != nil {
			return p.Message(wire.KindFailed, 0, map[string]any{"kind": m.Kind, "message": m.Message, "traceback": m.Traceback})
		}
		return p.Message(wire.KindReady, 0, map[string]any{"found": "fake:app"})
	case wire.KindRequest:
		vars, body, err := wire.DecodeRequest(f.Payload)
		if err != nil {
			return err
		}
		r := &Request{Stream: f.Stream, Vars: map[string]string{}, Body: append([]byte(nil), body...), Last: f.End(), peer: p}
		p.credits.add(f.Stream, wire.Window)
		for _, v := range vars {
			r.Vars[v.Name] = v.Value
		}
		if !r.Last {
			r.more, r.gone = make(chan chunk, 1024), make(chan struct{})
			p.mu.Lock()
			p.newest = r.Stream
			if p.early[r.Stream] {
				close(r.gone)
			} else {
				p.body[r.Stream] = r
			}
			p.mu.Unlock()
		}
		p.wg.Go(func() {
			if p.Handle == nil {
				r.ReadAll()
				_ = p.Answer(r.Stream, "200 OK", "hello", "Content-Type", "text/plain")
				return
			}
			p.Handle(r, p)
		})
	case wire.KindFileTaken, wire.KindFileRefused:
		if p.FileWord != nil {
			p.FileWord(f.Stream, f.Kind == wire.KindFileTaken)
		}
	case wire.KindWindow:
		p.credits.add(f.Stream, int(binary.BigEndian.Uint32(f.Payload)))
	case wire.KindBody:
		p.Bodies.Add(1)
		p.mu.Lock()
		r := p.body[f.Stream]
		if f.End() {
			delete(p.body, f.Stream)
		}
		p.mu.Unlock()
		if r != nil {
			r.more <- chunk{append([]byte(nil), f.Payload...), f.End()}
		}
	}
	return nil
}

func (p *Peer) readControl() {
	fr := wire.NewReader(p.control)
	for {
		f, err := fr.Next()
		if err != nil {
			return
		}
		switch f.Kind {
		case wire.KindCancel:
			p.mu.Lock()
			if r := p.body[f.Stream]; r != nil {
				close(r.gone)
				delete(p.body, f.Stream)
			} else if f.Stream > p.newest {
				p.early[f.Stream] = true
			}
			p.mu.Unlock()
			if p.Cancelled != nil {
				p.Cancelled(f.Stream)
			}
		case wire.KindRecall:
			var streams, back []uint32
			for b := f.Payload; len(b) >= 4; b = b[4:] {
				streams = append(streams, binary.BigEndian.Uint32(b))
			}
			mute := false
			if p.Recall != nil {
				back, mute = p.Recall(streams)
			}
			if !mute {
				_ = p.Recalled(back...)
			}
		case wire.KindPurged:
			if p.Purged != nil {
				p.Purged(f.Stream, f.Payload)
			}
		case wire.KindTerminal:
			if p.Terminal != nil {
				p.Terminal(f.Stream, f.Payload)
			}
		case wire.KindInterrupt:
			if p.Interrupted != nil && len(f.Payload) == 1 {
				p.Interrupted(f.Stream, shim.Cause(f.Payload[0]))
			}
		case wire.KindDump:
			text, _ := msgpack.Marshal("fake stacks")
			_, _ = p.control.Write(wire.AppendFrame(nil, wire.Frame{Kind: wire.KindStacks, Payload: text}))
		}
	}
}

// Control writes a frame on the control socket.
func (p *Peer) Control(f wire.Frame) error {
	_, err := p.control.Write(wire.AppendFrame(nil, f))
	return err
}

// Recalled writes a Recalled.
func (p *Peer) Recalled(streams ...uint32) error {
	var b []byte
	for _, s := range streams {
		b = binary.BigEndian.AppendUint32(b, s)
	}
	_, err := p.control.Write(wire.AppendFrame(nil, wire.Frame{Kind: wire.KindRecalled, Payload: b}))
	return err
}

// FromEnv returns the nonce that the supervisor put into the environment.
func FromEnv() []byte {
	b, _ := hex.DecodeString(os.Getenv("STANDPIPE_NONCE"))
	return b
}
