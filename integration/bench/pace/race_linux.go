package main

import (
	"slices"
	"syscall"
	"time"
)

// request is one that was due. over: it has its answer, or its client has given up.
type request struct {
	due  time.Duration // from the race's beginning on
	conn *conn         // nil: it waits for one
	over bool
}

// race is the schedule and what has become of it. total requests are due gap apart.
type race struct {
	load
	poller  *poller
	to      *syscall.SockaddrInet4
	payload []byte // of each request
	gap     time.Duration
	total   int

	began     time.Time
	next      int        // the next request's number
	waiting   []*request // without a connection
	idle      []*conn    // first in, first out: all connections are used alike
	open      map[int]*conn
	impatient []*request // whose patience ends, in the order in which it does
	hasties   []*request

	answered, failed, waited, left, busy int
	refused                              map[int]int
	took, late                           []time.Duration
}

// due is when request n is due, from began on.
func (r *race) due(n int) time.Duration { return time.Duration(n) * r.gap }

func (r *race) run() (time.Duration, error) {
	r.began = time.Now()
	end := r.due(r.total) + grace
	for {
		now := time.Since(r.began)
		for r.next < r.total && r.due(r.next) <= now {
			r.add(now)
		}
		wake := end
		if r.next < r.total {
			wake = r.due(r.next)
		}
		wake = min(wake, r.giveUp(&r.impatient, r.patience, now), r.giveUp(&r.hasties, r.haste, now))
		if now > end || r.next >= r.total && r.busy == 0 && len(r.waiting) == 0 {
			break
		}
		fds, err := r.poller.wait(wake - time.Since(r.began))
		if err != nil {
			return 0, err
		}
		for _, e := range fds {
			if c := r.open[int(e.Fd)]; c != nil {
				r.step(c, e.Events)
			}
		}
	}
	took := time.Since(r.began)
	for _, c := range r.open {
		if c.request != nil {
			r.lose(took - c.request.due)
		}
	}
	for _, q := range r.waiting {
		r.lose(took - q.due)
	}
	return min(took, r.due(r.total)+grace), nil
}

// add makes the next request.
func (r *race) add(now time.Duration) {
	q := &request{due: r.due(r.next)}
	switch {
	case r.hasty > 0 && r.next%r.hasty == 0:
		r.hasties = append(r.hasties, q)
	case r.patience > 0:
		r.impatient = append(r.impatient, q)
	}
	r.waiting = append(r.waiting, q)
	if len(r.idle) == 0 {
		r.waited++
	} else {
		r.late = append(r.late, now-q.due)
	}
	r.next++
	r.start()
}

// giveUp hangs up for those who have waited long enough, and returns when the next one will have.
func (r *race) giveUp(list *[]*request, patience, now time.Duration) time.Duration {
	for len(*list) > 0 {
		q := (*list)[0]
		if !q.over && q.due+patience > now {
			return q.due + patience
		}
		*list = (*list)[1:]
		switch {
		case q.over:
		case q.conn == nil:
			r.waiting = slices.DeleteFunc(r.waiting, func(w *request) bool { return w == q })
			q.over = true
			r.left++
			r.lose(now - q.due)
		default:
			c := q.conn
			c.status = 0 // whatever of an answer was there
			r.hangUp(c)
			r.left++
			r.finish(c, false)
		}
	}
	return 1 << 62
}

func (r *race) lose(waited time.Duration) {
	r.failed++
	r.took = append(r.took, waited)
}

// start puts waiting requests on idle connections.
func (r *race) start() {
	for len(r.waiting) > 0 && len(r.idle) > 0 {
		c := r.idle[0]
		r.idle = r.idle[1:]
		q := r.waiting[0]
		r.waiting = r.waiting[1:]
		r.busy++
		c.begin(q)
		if c.fd < 0 {
			if err := r.dial(c); err != nil {
				r.finish(c, false)
			}
		} else if !c.send(r.payload) {
			r.again(c)
		}
	}
}
func (r *race) dial(c *conn) error {
	fd, err := r.poller.dial(r.to)
	if err != nil {
		return err
	}
	c.fd, c.fresh, c.sent = fd, true, false
	r.open[fd] = c
	return nil
}

// step moves a connection on which something happened.
func (r *race) step(c *conn, events uint32) {
	if c.request != nil && !c.sent {
		if !c.connected() || !c.send(r.payload) {
			r.hangUp(c)
			r.finish(c, false)
			return
		}
		r.poller.readsOnly(c.fd)
	}
	if events&(syscall.EPOLLIN|syscall.EPOLLHUP|syscall.EPOLLERR|syscall.EPOLLRDHUP) == 0 {
		return
	}
	state := c.read()
	switch {
	case state == more:
	case c.request == nil: // the server closes an idle connection: the next request opens one
		r.hangUp(c)
	case state == whole:
		if c.close {
			r.hangUp(c)
		}
		r.finish(c, c.status == 200)
	case state == ended && !c.fresh && len(c.buffer) == 0:
		r.again(c)
	default:
		r.hangUp(c)
		r.finish(c, false)
	}
}

// again repeats a request whose kept connection the server was just closing: HTTP lets it do so (RFC 9112, 9.5).
func (r *race) again(c *conn) {
	r.hangUp(c)
	if err := r.dial(c); err != nil {
		r.finish(c, false)
	}
}

func (r *race) hangUp(c *conn) {
	if c.fd >= 0 {
		delete(r.open, c.fd)
		syscall.Close(c.fd)
		c.fd = -1
	}
}

func (r *race) finish(c *conn, good bool) {
	q := c.request
	waited := time.Since(r.began) - q.due
	if good {
		r.answered++
		r.took = append(r.took, waited)
	} else {
		r.lose(waited)
		if c.status != 0 {
			r.refused[c.status]++
		}
	}
	q.over, q.conn = true, nil
	c.request, c.fresh = nil, false
	r.busy--
	r.idle = append(r.idle, c)
	r.start()
}
