package monitor

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/supervisor"
	"github.com/standpipe/standpipe/supervisor/process"
)

func TestMarks(t *testing.T) {
	who := supervisor.Who{App: "shop", Worker: "shop/1", Pid: 7, Generation: 2}
	ended := func(reason supervisor.Reason, exit process.Exit, ours bool) supervisor.WorkerExit {
		return supervisor.WorkerExit{Who: who, Reason: reason, Exit: exit, Ours: ours}
	}
	killed, ok := process.Exit{Signal: 9, SignalName: "SIGKILL"}, process.Exit{}
	failure := supervisor.BootFailure{Who: who, Err: errors.New("no python\nmore")}
	for name, c := range map[string]struct {
		e    supervisor.Event
		want string // kind, worker, bad, a part of the text; empty: none
	}{
		"killed from outside":  {ended(supervisor.None, killed, false), "worker_exit shop/1 true signal:9, SIGKILL from outside"},
		"crashed":              {ended(supervisor.None, process.Exit{Signal: 11, SignalName: "SIGSEGV"}, false), "worker_exit shop/1 true signal:11, SIGSEGV from itself"},
		"out of memory":        {ended(supervisor.None, process.Exit{Signal: 9, SignalName: "SIGKILL", OOM: true}, false), "worker_exit shop/1 true oom"},
		"it exits":             {ended(supervisor.None, process.Exit{Code: 3}, false), "worker_exit shop/1 true exit:3"},
		"too large":            {ended(supervisor.HardRSS, killed, true), "worker_exit shop/1 true signal:9, hard_rss"},
		"larger than max_rss":  {ended(supervisor.MaxRSS, ok, false), "worker_exit shop/1 true exit:0, max_rss"},
		"by a reload":          {ended(supervisor.Reload, ok, false), ""},
		"by scaling":           {ended(supervisor.ScaleDown, ok, false), ""},
		"by max_requests":      {ended(supervisor.MaxRequests, ok, false), ""},
		"by the end":           {ended(supervisor.Shutdown, ok, false), ""},
		"by a command":         {ended(supervisor.Restart, ok, false), "restarted shop/1 false "},
		"a template":           {supervisor.TemplateExit{Who: who, Exit: killed}, "worker_exit shop/1 true signal:9"},
		"a template, told to":  {supervisor.TemplateExit{Who: who, Reason: supervisor.Reload}, ""},
		"boot":                 {failure, "boot_failed shop/1 true no python"},
		"reloaded":             {supervisor.Reloaded{App: "shop", Generation: 3}, "reloaded  false generation 3"},
		"reload failed":        {supervisor.ReloadFailed{BootFailure: failure, Serving: 2}, "reload_failed  true no python"},
		"scaled":               {supervisor.Scaled{App: "shop", From: 2, To: 4, Why: "load"}, "scaled  false from 2 to 4 workers: load"},
		"timeout":              {supervisor.RequestExpired{Who: who, Request: shim.InFlight{Label: shim.Label{Method: "GET", Target: "/slow"}}, Stacks: "thread 1\n  app.py:7 in view: sleep()\n"}, "request_timeout shop/1 true app.py:7 in view: sleep(), GET /slow"},
		"the queue is full":    {supervisor.Refused{App: "shop", Full: 3}, "queue_full  true 503"},
		"too long in it":       {supervisor.Refused{App: "shop", TimedOut: 3}, "queue_timeout  true 503"},
		"what is no happening": {supervisor.WorkerReady{Who: who}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig("shop")
			r.Event(c.e)
			got := r.Figures("").Marks
			if c.want == "" {
				if len(got) != 0 {
					t.Errorf("%+v", got)
				}
				return
			}
			if len(got) != 1 || got[0].App != "shop" || got[0].At.IsZero() || strings.Contains(got[0].Text, "\n") {
				t.Fatalf("%+v", got)
			}
			m := got[0]
			head := fmt.Sprint(m.Kind, " ", m.Worker, " ", m.Bad, " ")
			if text, ok := strings.CutPrefix(c.want, head); !ok || !strings.Contains(m.Text, text) {
				t.Errorf("%s%s, want %s", head, m.Text, c.want)
			}
		})
	}
}

func TestMarksAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig("shop", "blog")
		for range 50 { // an app that does not start, tried once a second
			r.Mark(Mark{Kind: "boot_failed", App: "shop", Text: "no python", Bad: true})
			r.Mark(Mark{Kind: "scaled", App: "blog", Text: "from 2 to 4 workers"})
			time.Sleep(time.Second)
		}
		time.Sleep(11 * time.Second) // a minute after the first one
		r.Mark(Mark{Kind: "boot_failed", App: "shop", Text: "no python", Bad: true})
		var shop []Mark
		for _, m := range r.Figures("shop").Marks {
			if m.App != "shop" {
				t.Errorf("%+v", m)
			}
			shop = append(shop, m)
		}
		if len(shop) != 2 || shop[0].Repeated != 49 || shop[1].Repeated != 0 {
			t.Errorf("%+v", shop)
		}
		if n := len(r.Figures("blog").Marks); n != 50 { // each one is another happening
			t.Errorf("%d", n)
		}
		for i := range 2 * maxMarks {
			r.Mark(Mark{Kind: "reloaded", App: "shop", Text: fmt.Sprint(i, strings.Repeat("x", 10000))})
		}
		r.Mark(Mark{Kind: "started"})
		m := r.Figures("").Marks
		if len(m) != maxMarks || m[maxMarks-1].Kind != "started" || !strings.HasPrefix(m[maxMarks-2].Text, "999x") || len(m[0].Text) > maxText+3 {
			t.Errorf("%d", len(m))
		}
		if m := r.Figures("blog").Marks; len(m) != 1 || m[0].Kind != "started" { // of the server: it concerns each app
			t.Errorf("%+v", m)
		}
		time.Sleep(keepTime)
		if m := r.Figures("").Marks; len(m) != 0 {
			t.Errorf("%d marks are older than an hour", len(m))
		}
	})
}
