package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/top"
	"github.com/standpipe/standpipe/cmd/internal/top/screen"
)

const (
	tick      = 500 * time.Millisecond
	mostAsked = 8                      // orders and dumps that wait for their answers
	firstWait = 250 * time.Millisecond // until a server that is gone is tried again; it doubles up to longWait
	longWait  = 2 * time.Second
	orderTime = 10 * time.Minute // a reload waits for slow requests
	dumpTime  = 15 * time.Second
)

// Options are what Run needs.
type Options struct {
	Server  Server
	Name    string // of the server, for people
	Every   time.Duration
	Foreign string   // why nothing may be changed; empty: it may
	In, Out *os.File // the terminal
	Look    Look
}

// Run shows the server until a key ends it, ctx ends, or the terminal is gone. It restores the terminal however it ends.
func Run(ctx context.Context, o Options) error {
	terminal, err := screen.Open(o.In, o.Out)
	if err != nil {
		return fmt.Errorf("the terminal cannot be used: %w", err)
	}
	defer terminal.Close()
	input, err := screen.NewInput(o.In)
	if err != nil {
		return err
	}
	defer input.Close()
	ctx, cancel := context.WithCancel(ctx)
	l := &loop{Options: o, terminal: terminal, model: top.New(o.Name, o.Foreign, o.Every), painter: screen.Painter{ASCII: o.Look.ASCII, Colours: o.Look.Colours}, events: make(chan any), ctx: ctx}
	defer l.parts.Wait()
	defer cancel()
	return l.run(input.Keys)
}

// loop is one Run.
type loop struct {
	Options
	terminal *screen.Terminal
	model    *top.Model
	painter  screen.Painter

	ctx    context.Context
	parts  sync.WaitGroup
	events chan any // from the parts
	asked  int
	rewind context.CancelFunc // ends the watch, which begins again at the new interval
}

// panicked is the end of a part that has panicked: the terminal is restored before the program ends by it.
type panicked struct {
	value any
	stack []byte
}

// spawn begins a part.
func (l *loop) spawn(do func()) {
	l.parts.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				l.send(panicked{v, debug.Stack()})
			}
		}()
		do()
	})
}

func (l *loop) send(event any) {
	select {
	case l.events <- event:
	case <-l.ctx.Done():
	}
}

func (l *loop) run(keys <-chan screen.Key) error {
	endOn, drawOn := screen.Signals()
	ended, redrawn := notify(endOn), notify(drawOn)
	defer func() { signal.Stop(ended); signal.Stop(redrawn) }()
	clock := time.NewTicker(tick)
	defer clock.Stop()
	l.update(top.Ticked{At: time.Now()})
	l.resize()
	l.watch()
	for {
		if err := l.draw(); err != nil {
			return nil // the terminal is gone
		}
		more := true
		select {
		case <-l.ctx.Done():
			return nil
		case <-ended:
			return nil
		case <-redrawn:
			if err := l.terminal.Again(); err != nil {
				return nil
			}
			l.painter.Forget()
			l.resize()
		case key, open := <-keys:
			if !open {
				return nil
			}
			more = l.update(top.Pressed{Key: key})
		case now := <-clock.C:
			more = l.update(top.Ticked{At: now})
		case event := <-l.events:
			if p, is := event.(panicked); is {
				l.terminal.Close()
				panic(fmt.Sprintf("%v\n%s", p.value, p.stack))
			}
			more = l.take(event)
		}
		if !more {
			return nil
		}
	}
}

func notify(list []os.Signal) chan os.Signal {
	c := make(chan os.Signal, 1)
	if len(list) > 0 {
		signal.Notify(c, list...)
	}
	return c
}

func (l *loop) draw() error {
	frame := l.painter.Frame(top.View(l.model))
	if len(frame) == 0 {
		return nil
	}
	_, err := l.terminal.Write(frame)
	return err
}

func (l *loop) resize() {
	w, h := l.terminal.Size()
	l.update(top.Resized{W: w, H: h})
}

// suspend is Ctrl-Z.
func (l *loop) suspend() {
	l.terminal.Close()
	screen.Suspend()
	_ = l.terminal.Resume()
	l.painter.Forget()
	l.resize()
}

// take gives the model an event of a part.
func (l *loop) take(event any) bool {
	if a, is := event.(answered); is {
		l.asked--
		event = a.event
	}
	return l.update(event)
}

// answered is the answer to an action.
type answered struct{ event any }

// update gives the model an event and does what it asks for; false: the end.
func (l *loop) update(event any) bool {
	for _, action := range l.model.Update(event) {
		switch a := action.(type) {
		case top.Quit:
			return false
		case top.Suspend:
			l.suspend()
		case top.Redraw:
			_ = l.terminal.Again()
			l.painter.Forget()
		case top.Every:
			l.Every = a.Interval
			l.watch()
		case top.Dump:
			l.ask(func() any { return l.dump(a) }, top.Dumped{At: time.Now(), Worker: a.Worker, Err: busy})
		case top.Order:
			l.ask(func() any { return l.order(a) }, top.Ordered{At: time.Now(), Text: busy, Bad: true})
		}
	}
	return true
}

const busy = "too many answers are awaited"

// ask begins what waits for an answer; instead is the answer where there are too many.
func (l *loop) ask(do func() any, instead any) {
	if l.asked >= mostAsked {
		l.update(instead)
		return
	}
	l.asked++
	l.spawn(func() { l.send(answered{do()}) })
}

func (l *loop) dump(a top.Dump) any {
	ctx, cancel := context.WithTimeout(l.ctx, dumpTime)
	defer cancel()
	stacks, err := l.Server.Dump(ctx, a.Worker)
	e := top.Dumped{At: time.Now(), Worker: a.Worker, Stacks: stacks}
	if err != nil {
		e.Err, _ = explain(err)
	}
	return e
}

func (l *loop) order(a top.Order) any {
	ctx, cancel := context.WithTimeout(l.ctx, orderTime)
	defer cancel()
	err := l.Server.Do(ctx, a.Path, a.Order)
	if err == nil {
		return top.Ordered{At: time.Now(), Text: a.Done}
	}
	text, more := explain(err)
	return top.Ordered{At: time.Now(), Text: text, More: more, Bad: true}
}

// watch begins to watch the server; a watch that runs ends.
func (l *loop) watch() {
	if l.rewind != nil {
		l.rewind()
	}
	ctx, cancel := context.WithCancel(l.ctx)
	l.rewind = cancel
	every := l.Every
	l.spawn(func() { l.follow(ctx, every) })
}

// follow watches the server, and tries again when it is gone.
func (l *loop) follow(ctx context.Context, every time.Duration) {
	wait := firstWait
	for ctx.Err() == nil {
		if h, err := l.Server.History(ctx); err == nil {
			l.sendWhile(ctx, top.Remembered{History: h})
		}
		err := l.Server.Watch(ctx, every, func(t *admin.Top) {
			wait = firstWait
			l.sendWhile(ctx, top.Arrived{At: time.Now(), Top: t})
		})
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the server has ended the connection")
		}
		l.sendWhile(ctx, top.Lost{At: time.Now(), Err: err.Error()})
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, longWait)
	}
}

func (l *loop) sendWhile(ctx context.Context, event any) {
	select {
	case l.events <- event:
	case <-ctx.Done():
	}
}
