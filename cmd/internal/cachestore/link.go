package cachestore

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gomodule/redigo/redis"
)

// link is the connections to the server: the subscriber, which is told of changes, and the lanes. It ends when one of them fails.
type link struct {
	subscriber redis.Conn
	net        net.Conn // of the subscriber; may be closed while that is used
	lanes      [mostLanes]lane
	slow       atomic.Int32  // tasks that take too long
	ended      chan struct{} // closed at its end
	once       sync.Once
	running    sync.WaitGroup
}

// pings is how often the subscriber is asked whether it is connected.
const pings = time.Second

// invalidations is the channel on which the server names keys that have changed.
const invalidations = "__redis__:invalidate"

// receive is told of changes, until the link ends.
func (s *peer) receive(l *link) {
	defer l.running.Done()
	defer l.subscriber.Close()
	for {
		v, err := redis.ReceiveWithTimeout(l.subscriber, silence)
		if err != nil {
			s.lost(l, err)
			return
		}
		m, ok := v.([]any)
		if !ok || len(m) != 3 {
			continue // the answer to PING
		}
		switch channel, _ := m[1].([]byte); string(channel) {
		case invalidations:
			s.invalidate(m[2])
		case s.names.purges():
			payload, _ := m[2].([]byte)
			if i, rest, ok := parseID(payload); ok && len(rest) > 0 {
				s.follow(i, rest[1:], time.Now())
			}
		}
	}
}

// invalidate handles names of changed keys; nil: all have.
func (s *peer) invalidate(v any) {
	if v == nil {
		s.watcher.Trust(true) // what is in memory is compared before it is used
		return
	}
	names, _ := v.([]any)
	for _, n := range names {
		name, _ := n.([]byte)
		kind, k, ok := s.names.parse(name)
		if !ok {
			continue // a target, or the log
		}
		if kind == answers {
			s.watcher.Forget(k)
		}
		s.waiters.wake(k)
	}
}

// keepAlive asks whether the subscriber is connected, and makes the changes that wait.
func (s *peer) keepAlive(l *link) {
	defer l.running.Done()
	tick := time.NewTicker(pings)
	defer tick.Stop()
	for {
		select {
		case <-l.ended:
			return
		case <-tick.C:
		}
		err := l.subscriber.Send("PING")
		if err == nil {
			err = l.subscriber.Flush()
		}
		if err != nil {
			s.lost(l, err)
			return
		}
		if s.waiting.some.Load() {
			_, _ = s.current(context.Background())
		}
	}
}

// lost ends a link that has failed, and has the circuit make another one.
func (s *peer) lost(l *link, err error) {
	if s.end(l) {
		s.circuit.Open(s.explain(err))
	}
}

// end ends a link; false: it had ended.
func (s *peer) end(l *link) (first bool) {
	l.once.Do(func() {
		first = true
		s.link.CompareAndSwap(l, nil)
		close(l.ended)
		l.cut()
		s.watcher.Trust(false)
		s.waiters.wakeAll()
	})
	return first
}

func (l *link) isEnded() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// cut ends all reads and writes of the connections.
func (l *link) cut() {
	if l.net != nil {
		_ = l.net.Close()
	}
	for i := range l.lanes {
		if c := l.lanes[i].net; c != nil {
			_ = c.Close()
		}
	}
}
