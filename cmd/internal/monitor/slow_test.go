package monitor

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/supervisor"
)

func TestSlowRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig("shop", "blog")
		r.Slow(time.Second, false)
		now := time.Now()
		label := func(id string, ago time.Duration) shim.Label {
			return shim.Label{ID: id, Method: "POST", Target: "/" + id, Start: now.Add(-ago)}
		}
		r.pool(0).workers = []supervisor.WorkerInfo{
			{Who: supervisor.Who{App: "shop", Worker: "shop/1", Pid: 11}, InFlight: []shim.InFlight{
				{Label: label("short", 999*time.Millisecond), Sent: now},
				{Label: label("runs", 5*time.Second), Sent: now.Add(-3 * time.Second)},
				{Label: label("after", 9*time.Second), Sent: now, Answered: true},
				{Label: shim.Label{ID: "no time"}},
			}},
			{Who: supervisor.Who{App: "shop", Worker: "shop/2", Pid: 12}, InFlight: []shim.InFlight{{Label: label("waits", 7*time.Second)}}},
		}
		for i := range 3 {
			r.observe(request{app: "blog", worker: "blog/1", source: "app", status: 201 + i, took: 4 * time.Second, receive: time.Second, wait: 500 * time.Millisecond, run: 2 * time.Second})
		}
		r.observe(request{app: "blog", worker: "blog/1", source: "app", status: 200, took: 999 * time.Millisecond})
		r.observe(request{source: "upstream", upstream: "10.0.0.1:80", status: 200, took: time.Minute})
		r.observe(request{source: "upstream", upstream: "10.0.0.1:80", status: 101, took: time.Hour}) // a tunnel
		f := r.Figures("")
		var got []string
		for _, s := range f.Slow {
			got = append(got, fmt.Sprint(s.App, " ", s.Worker, s.Upstream, " ", s.Target, " ", s.Runs, s.Status, " ", s.Seconds, s.Receiving, s.Waiting, s.Running, s.Sending))
		}
		want := []string{
			"shop shop/2 /waits true 0 7 0 7 0 0",
			"shop shop/1 /runs true 0 5 0 2 3 0",
			"routes 10.0.0.1:80 /x?a=b false 200 60 0 0 0 0",
			"blog blog/1 /x?a=b false 203 4 1 0.5 2 0.5",
			"blog blog/1 /x?a=b false 202 4 1 0.5 2 0.5",
			"blog blog/1 /x?a=b false 201 4 1 0.5 2 0.5",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") || f.Threshold != 1 {
			t.Errorf("%v:\n%s\nwant\n%s", f.Threshold, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if f := r.Figures("blog"); len(f.Slow) != 3 || f.Slow[0].App != "blog" || len(f.Apps) != 1 {
			t.Errorf("%+v", f)
		}
		r.Slow(6*time.Second, false)
		if f := r.Figures("shop"); len(f.Slow) != 1 || f.Slow[0].ID != "waits" {
			t.Errorf("%+v", f.Slow)
		}
		r.Slow(0, true)
		r.observe(request{app: "blog", source: "app", status: 200, took: time.Hour})
		if f := r.Figures("shop"); len(f.Slow) != 0 || f.Threshold != 0 || r.log.Len() != 0 {
			t.Errorf("%+v %s", f.Slow, r.log.String())
		}
		time.Sleep(keepTime)
		if f := r.Figures("blog"); len(f.Slow) != 0 {
			t.Errorf("after an hour: %+v", f.Slow)
		}
	})
}

// At most a hundred are kept, and told; long targets are cut.
func TestSlowRequestsAreBounded(t *testing.T) {
	r := newRig("shop")
	r.Slow(time.Second, false)
	now := time.Now()
	for i := range 60 {
		r.pool(0).workers = append(r.pool(0).workers, supervisor.WorkerInfo{InFlight: []shim.InFlight{{Label: shim.Label{ID: fmt.Sprint("runs", i), Start: now.Add(-time.Hour)}, Sent: now}}})
	}
	q := get.Clone(t.Context())
	q.RequestURI = "/" + strings.Repeat("x", 1<<20)
	for i := range 300 {
		r.Observe(request{app: "shop", source: "app", status: 200 + i}.writer(), q, time.Minute)
	}
	f := r.Figures("")
	if len(f.Slow) != 100 || !f.Slow[59].Runs || f.Slow[60].Status != 499 || f.Slow[99].Status != 460 || len(f.Slow[60].Target) > 2*maxTarget {
		t.Errorf("%d requests: %+v", len(f.Slow), f.Slow[60])
	}
	if n := len(r.slow.list); n != maxSlow {
		t.Errorf("%d are kept", n)
	}
}

// Where a request is, as a dump or the end of its time has told, is known until it has ended, and in the list of those that have.
func TestLines(t *testing.T) {
	r := newRig("shop")
	r.Slow(time.Second, false)
	start := time.Now().Add(-time.Minute)
	one := shim.InFlight{Label: shim.Label{ID: "id", Start: start}, Sent: start}
	r.pool(0).workers = []supervisor.WorkerInfo{
		{Who: supervisor.Who{Worker: "shop/1"}, InFlight: []shim.InFlight{one}},
		{Who: supervisor.Who{Worker: "shop/2"}, InFlight: []shim.InFlight{{Label: shim.Label{ID: "a", Start: start}}, {Label: shim.Label{ID: "b", Start: start}}}},
	}
	stacks := "thread 1 (MainThread)\n  /usr/lib/python3/socket.py:700 in readinto\n  reports.py:88 in build: rows = cur.fetchall()\n"
	for _, worker := range []string{"shop/1", "shop/2", "shop/3", "blog/1", ""} {
		r.Dumped(worker, stacks)
	}
	lines := map[string]string{}
	for _, s := range r.Figures("").Slow {
		lines[s.ID] = s.Line
	}
	const line = "reports.py:88 in build: rows = cur.fetchall()"
	if lines["id"] != line || lines["a"] != "" || lines["b"] != "" { // which of the two is there is not known
		t.Errorf("%q", lines)
	}
	r.pool(0).workers = nil
	r.observe(request{app: "shop", worker: "shop/1", source: "app", status: 200, took: time.Minute})
	if s := r.Figures("").Slow; len(s) != 1 || s[0].Line != line || s[0].Runs {
		t.Errorf("%+v", s)
	}
	r.observe(request{app: "shop", worker: "shop/1", source: "app", status: 200, took: time.Minute}) // another one
	if s := r.Figures("").Slow; s[0].Line != "" {
		t.Errorf("%+v", s)
	}
	r.Event(supervisor.RequestExpired{Request: one, Stacks: stacks})
	r.observe(request{app: "shop", worker: "shop/1", source: "app", status: 504, took: time.Minute})
	if s := r.Figures("").Slow; s[0].Line != line {
		t.Errorf("%+v", s)
	}
	for i := range 10 * maxLines {
		r.slow.at(fmt.Sprint(i), line)
	}
	if n := len(r.slow.lines); n > maxLines {
		t.Errorf("%d lines are kept", n)
	}
}

func TestSlowRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig("shop")
		r.Slow(time.Second, true)
		records := func() (list []map[string]any) {
			for line := range strings.Lines(r.log.String()) {
				var m map[string]any
				if err := json.Unmarshal([]byte(line), &m); err != nil {
					t.Fatal(err)
				}
				list = append(list, m)
			}
			r.log.Reset()
			return list
		}
		r.observe(request{app: "shop", worker: "shop/1", source: "app", status: 200, took: 3 * time.Second, wait: time.Second})
		r.observe(request{app: "shop", worker: "shop/1", source: "app", status: 200, took: 3 * time.Millisecond})
		got := records()
		if len(got) != 1 || got[0]["@message"] != "slow_request" || got[0]["@level"] != "info" || got[0]["app"] != "shop" || got[0]["worker"] != "shop/1" || got[0]["id"] != "id" || got[0]["target"] != "/x?a=b" {
			t.Errorf("%v", got)
		}
		time.Sleep(time.Second)
		for range 35 {
			r.observe(request{app: "shop", source: "app", status: 200, took: time.Minute})
		}
		if got := records(); len(got) != maxRecords || got[0]["dropped"] != nil {
			t.Errorf("%d: %v", len(got), got)
		}
		time.Sleep(time.Second)
		r.observe(request{app: "shop", source: "app", status: 200, took: time.Minute})
		if got := records(); len(got) != 1 || got[0]["dropped"] != 25. {
			t.Errorf("%v", got)
		}
	})
}
