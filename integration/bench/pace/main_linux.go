// Command pace asks a server at a fixed rate, whether or not it keeps up (an open loop), and prints the latencies as JSON.
//
// A request's latency counts from the moment at which it was due, not from when a connection was free for it: a server
// that stalls for a second has as many slow requests as were due in that second. One thread and epoll with a timerfd,
// because the Go runtime's timers wake up to a millisecond late when a program is idle, which is more than a request takes.
//
// With a patience, who has waited so long hangs up, as people do; then a request is good, refused (any status but 200), left, or failed.
//
// Connections are opened when they are needed, with a request on them at once: a server without keep-alive gives its
// worker to the first client that connects.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
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
	// Refused and Left are part of Failed: answers other than 200, by status, and those whose patience has ended.
	Refused map[int]int `json:"refused,omitempty"`
	Left    int         `json:"left,omitempty"`
}

// load is what is asked of the server.
type load struct {
	path        string
	rate        float64
	length      time.Duration
	connections int
	patience    time.Duration // of all but the hasty; 0: without end
	haste       time.Duration // the patience of every hasty'th request
	hasty       int           // 0: none is
}

func main() {
	address := flag.String("address", "", "host:port, numeric")
	rate := flag.Float64("rate", 1000, "requests per second")
	seconds := flag.Float64("seconds", 3, "how long requests are due")
	connections := flag.Int("connections", 64, "at most so many at a time")
	path := flag.String("path", "/", "what is asked for")
	patience := flag.Duration("patience", 0, "how long a client waits before it hangs up; 0: for ever")
	haste := flag.Duration("haste", 0, "how long a hasty one does")
	hasty := flag.Int("hasty", 0, "every so many requests one is hasty; 0: none")
	flag.Parse()
	got, err := run(*address, load{path: *path, rate: *rate, length: time.Duration(*seconds * float64(time.Second)), connections: *connections,
		patience: *patience, haste: *haste, hasty: *hasty})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(got)
}

func run(address string, l load) (report, error) {
	runtime.LockOSThread()
	to, err := resolve(address)
	if err != nil {
		return report{}, err
	}
	if l.rate <= 0 || l.connections <= 0 {
		return report{}, fmt.Errorf("rate and connections have to be more than 0")
	}
	p, err := newPoller()
	if err != nil {
		return report{}, err
	}
	defer p.close()
	r := &race{
		load:    l,
		poller:  p,
		to:      to,
		payload: []byte("GET " + l.path + " HTTP/1.1\r\nHost: " + address + "\r\n\r\n"),
		gap:     time.Duration(float64(time.Second) / l.rate),
		total:   int(l.rate * l.length.Seconds()),
		open:    make(map[int]*conn),
		refused: make(map[int]int),
	}
	for range l.connections {
		r.idle = append(r.idle, &conn{fd: -1})
	}
	took, err := r.run()
	if err != nil {
		return report{}, err
	}
	slices.Sort(r.took)
	slices.Sort(r.late)
	return report{
		Rate: l.rate, Achieved: float64(r.answered) / took.Seconds(), Requests: r.total, Failed: r.failed, Waited: r.waited, Refused: r.refused, Left: r.left,
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
