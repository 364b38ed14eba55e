package cachestore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/standpipe/standpipe/bridge/cache"
)

const (
	// patience is what the server may take: a request waits so long for a connection that others use, and then for the answer.
	patience = 100 * time.Millisecond
	// dialPatience is for each step of connecting, for which no request waits.
	dialPatience = time.Second
	// silence is how long a connection may say nothing though it was asked: then it is lost.
	silence = 3 * time.Second
	// idle is how long a lane is unused before it is asked whether it is connected, so that neither the server nor a firewall ends it.
	idle = 15 * time.Second
)

// mostLanes is how many connections ask for keys. Each key has its own: so the server knows what was read in which, and tells this process
// of the changes that others make, but not of its own.
const mostLanes = 8

// laneOf is the number of a key's lane.
func laneOf(k cache.Key) int { return int(k[1] % mostLanes) }

// lane is one connection, and the goroutine that asks in it.
type lane struct {
	conn  redis.Conn
	net   net.Conn // may be closed while conn is used
	tasks chan *task
}

// task is one script that is to be run.
type task struct {
	script *redis.Script
	args   []any
	state  atomic.Int32
	done   chan struct{} // closed when it is answered
	value  any
	err    error
}

// The states of a task.
const (
	pending   = iota
	ended     // the answer is there
	abandoned // who has asked has gone on
)

// errBusy: the server is too slow just now.
var errBusy = fmt.Errorf("%w: it is too slow", cache.ErrAway)

// dial connects. The net.Conn is for closing it at any time.
func (s *peer) dial() (redis.Conn, net.Conn, error) {
	var raw net.Conn
	o := []redis.DialOption{
		redis.DialContextFunc(func(ctx context.Context, network, address string) (c net.Conn, err error) {
			raw, err = (&net.Dialer{Timeout: dialPatience}).DialContext(ctx, network, address)
			return raw, err
		}),
		redis.DialTLSHandshakeTimeout(dialPatience), redis.DialReadTimeout(dialPatience), redis.DialWriteTimeout(dialPatience),
		redis.DialDatabase(s.server.DB), redis.DialUseTLS(s.server.TLS),
	}
	if s.server.Password != "" {
		o = append(o, redis.DialUsername(s.server.User), redis.DialPassword(s.server.Password))
	}
	c, err := redis.Dial(s.server.Network, s.server.Address, o...)
	return c, raw, err
}

// open connects a lane, whose reads are tracked for the subscriber.
func (n *lane) open(s *peer, subscriber int64) (err error) {
	if n.conn, n.net, err = s.dial(); err != nil {
		return err
	}
	_, err = n.conn.Do("CLIENT", "TRACKING", "ON", "REDIRECT", subscriber, "NOLOOP")
	return err
}

// work runs the tasks of a lane, one after the other, until the link ends.
func (s *peer) work(l *link, n *lane) {
	defer l.running.Done()
	defer n.conn.Close()
	tick := time.NewTicker(idle)
	defer tick.Stop()
	c := timed{n.conn, silence}
	for {
		var err error
		select {
		case t := <-n.tasks:
			t.value, t.err = t.script.Do(c, t.args...)
			err = t.err
			if t.state.CompareAndSwap(pending, ended) {
				close(t.done)
			} else {
				l.slow.Add(-1)
			}
			tick.Reset(idle)
		case <-tick.C:
			_, err = c.Do("PING")
		case <-l.ended:
			return
		}
		if !answered(err) {
			s.lost(l, err)
			return
		}
	}
}

// timed is a connection whose answers are awaited for so long.
type timed struct {
	redis.Conn
	wait time.Duration
}

func (t timed) Do(command string, args ...any) (any, error) {
	return redis.DoWithTimeout(t.Conn, t.wait, command, args...)
}

// ask has a lane run a script. A caller that has waited in vain goes on, and all others go on at once until the answer has come: a server that
// pauses is not asked more, and the connections stay.
func (s *peer) ask(ctx context.Context, l *link, number int, script *redis.Script, args ...any) (any, error) {
	if l.slow.Load() > 0 {
		return nil, errBusy
	}
	t := &task{script: script, args: args, done: make(chan struct{})}
	timer := time.NewTimer(s.patience)
	defer timer.Stop()
	select {
	case l.lanes[number].tasks <- t:
	case <-timer.C:
		return nil, errBusy
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.ended:
		return nil, cache.ErrAway
	}
	timer.Reset(s.patience)
	select {
	case <-t.done:
	case <-l.ended:
		return nil, cache.ErrAway
	case <-timer.C:
		l.slow.Add(1)
		if t.state.CompareAndSwap(pending, abandoned) {
			return nil, errBusy
		}
		l.slow.Add(-1)
		<-t.done
	}
	if !answered(t.err) {
		return nil, cache.ErrAway
	}
	return t.value, t.err
}

// answered reports whether the server has answered, be it with an error.
func answered(err error) bool {
	var answer redis.Error
	return err == nil || errors.As(err, &answer) || errors.Is(err, redis.ErrNil)
}
