// Command pace asks a server at a fixed rate, whether or not it keeps up (an open loop), and prints the latencies as JSON.
//
// A request's latency counts from the moment at which it was due, not from when a connection was free for it: a server
// that stalls for a second has as many slow requests as were due in that second. One thread and epoll with a timerfd,
// because the Go runtime's timers wake up to a millisecond late when a program is idle, which is more than a request takes.
//
// Connections are opened when they are needed, with a request on them at once: a server without keep-alive gives its
// worker to whoever connects.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// grace is how long answers may take after the last request was due.
const grace = 5 * time.Second

// report is what is printed; latencies in milliseconds. Requests without an answer count in both the latencies, as long
// as they have waited, and in Failed.
type report struct {
	Rate     float64 `json:"rate"`     // asked for
	Achieved float64 `json:"achieved"` // answers per second
	Requests int     `json:"requests"`
	Failed   int     `json:"failed"`
	P50      float64 `json:"p50"`
	P99      float64 `json:"p99"`
	P999     float64 `json:"p999"`
	Max      float64 `json:"max"`
	// Late is how late, at the 99th percentile, this program itself was with what it had a connection for.
	Late float64 `json:"late"`
	// Waited counts requests that were due when all connections were busy.
	Waited int `json:"waited"`
}

func main() {
	address := flag.String("address", "", "host:port, numeric")
	rate := flag.Float64("rate", 1000, "requests per second")
	seconds := flag.Float64("seconds", 3, "how long requests are due")
	connections := flag.Int("connections", 64, "at most so many at a time")
	path := flag.String("path", "/", "what is asked for")
	flag.Parse()
	got, err := run(*address, *path, *rate, time.Duration(*seconds*float64(time.Second)), *connections)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(got)
}

func run(address, path string, rate float64, length time.Duration, connections int) (report, error) {
	runtime.LockOSThread()
	to, err := resolve(address)
	if err != nil {
		return report{}, err
	}
	if rate <= 0 || connections <= 0 {
		return report{}, fmt.Errorf("rate and connections have to be more than 0")
	}
	p, err := newPoller()
	if err != nil {
		return report{}, err
	}
	defer p.close()
	r := &race{
		poller:  p,
		to:      to,
		request: []byte("GET " + path + " HTTP/1.1\r\nHost: " + address + "\r\n\r\n"),
		gap:     time.Duration(float64(time.Second) / rate),
		total:   int(rate * length.Seconds()),
		open:    make(map[int]*conn),
	}
	for range connections {
		r.idle = append(r.idle, &conn{fd: -1})
	}
	took, err := r.run()
	if err != nil {
		return report{}, err
	}
	slices.Sort(r.took)
	slices.Sort(r.late)
	return report{
		Rate: rate, Achieved: float64(r.answered) / took.Seconds(), Requests: r.total, Failed: r.failed, Waited: r.waited,
		P50: at(r.took, 0.5), P99: at(r.took, 0.99), P999: at(r.took, 0.999), Max: at(r.took, 1), Late: at(r.late, 0.99),
	}, nil
}

// at is a quantile of sorted durations, in milliseconds; 0 when there are none.
func at(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	i := min(int(q*float64(len(sorted))), len(sorted)-1)
	return float64(sorted[i].Microseconds()) / 1000
}

// race is the schedule and what has become of it. total requests are due gap apart.
type race struct {
	poller  *poller
	to      *syscall.SockaddrInet4
	request []byte
	gap     time.Duration
	total   int

	began   time.Time
	next    int             // the next request's number
	waiting []time.Duration // due, without a connection
	idle    []*conn         // first in, first out: all connections are used alike
	open    map[int]*conn

	answered, failed, waited, busy int
	took, late                     []time.Duration
}

// due is when request n is due, from began on.
func (r *race) due(n int) time.Duration { return time.Duration(n) * r.gap }

func (r *race) run() (time.Duration, error) {
	r.began = time.Now()
	end := r.due(r.total) + grace
	for r.next < r.total || r.busy > 0 || len(r.waiting) > 0 {
		now := time.Since(r.began)
		if now > end {
			break
		}
		for r.next < r.total && r.due(r.next) <= now {
			r.waiting = append(r.waiting, r.due(r.next))
			if len(r.idle) == 0 {
				r.waited++
			} else {
				r.late = append(r.late, now-r.due(r.next))
			}
			r.next++
			r.start()
		}
		wake := end
		if r.next < r.total {
			wake = r.due(r.next)
		}
		fds, err := r.poller.wait(wake - time.Since(r.began))
		if err != nil {
			return 0, err
		}
		for _, e := range fds {
			if c := r.open[int(e.Fd)]; c != nil {
				r.turn(c, e.Events)
			}
		}
	}
	took := time.Since(r.began)
	for _, c := range r.open {
		if c.busy {
			r.lose(took - c.due)
		}
	}
	for _, due := range r.waiting {
		r.lose(took - due)
	}
	return min(took, r.due(r.total)+grace), nil
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
		due := r.waiting[0]
		r.waiting = r.waiting[1:]
		r.busy++
		c.begin(due)
		if c.fd < 0 {
			if err := r.dial(c); err != nil {
				r.finish(c, false)
			}
		} else if !c.send(r.request) {
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

// turn moves a connection on which something happened.
func (r *race) turn(c *conn, events uint32) {
	if c.busy && !c.sent {
		if !c.connected() || !c.send(r.request) {
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
	case !c.busy: // the server closes an idle connection: the next request opens one
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
	waited := time.Since(r.began) - c.due
	if good {
		r.answered++
		r.took = append(r.took, waited)
	} else {
		r.lose(waited)
	}
	c.busy, c.fresh = false, false
	r.busy--
	r.idle = append(r.idle, c)
	r.start()
}
