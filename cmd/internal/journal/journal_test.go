package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/cmd/internal/errorlog"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor"
	"github.com/standpipe/standpipe/supervisor/process"
)

// records runs f with a Journal and returns the JSON records it wrote.
func records(t *testing.T, f func(j *Journal)) []map[string]any {
	t.Helper()
	var b bytes.Buffer
	f(New(errorlog.New(errorlog.Options{Out: &b, Level: hclog.Debug})))
	var list []map[string]any
	for d := json.NewDecoder(&b); d.More(); {
		var m map[string]any
		if err := d.Decode(&m); err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
	}
	return list
}

var someone = supervisor.Who{App: "shop", Worker: "shop/3", Pid: 4121, Generation: 7}

func TestBootFailuresAreCounted(t *testing.T) {
	f := &wire.Failed{Kind: "error", Message: "shop/wsgi.py:3 imports flask_login, which python does not have", File: "shop/wsgi.py", Line: 3,
		Traceback: "Traceback ...", Dir: "/srv/shop", SysPath: []string{"/srv/shop", "/usr/lib/python3"}}
	got := records(t, func(j *Journal) {
		for range 3 {
			j.Event(supervisor.BootFailure{Who: someone, Failed: f, Retry: time.Second})
		}
		other := *f
		other.Traceback = "another"
		j.Event(supervisor.BootFailure{Who: someone, Failed: &other})
		j.Event(supervisor.WorkerReady{Who: someone, Ready: &wire.Ready{}})
		j.Event(supervisor.BootFailure{Who: someone, Failed: &other})
	})
	var app []map[string]any
	for _, m := range got {
		if m["event"] == "app_failed" {
			app = append(app, m)
		}
	}
	if len(app) != 5 {
		t.Fatalf("%d app_failed", len(app))
	}
	if s := app[0]["message"].(string); s != `app "shop" did not start: `+f.Message {
		t.Errorf("message %q", s)
	}
	if app[0]["traceback"] != f.Traceback || app[0]["dir"] != "/srv/shop" || app[0]["sys_path"] != "/srv/shop:/usr/lib/python3" || app[0]["file"] != "shop/wsgi.py:3" {
		t.Errorf("the first: %v", app[0])
	}
	if app[1]["traceback"] != nil || app[1]["repeated"] != 2.0 || app[2]["repeated"] != 3.0 {
		t.Errorf("the same again: %v %v", app[1], app[2])
	}
	if app[3]["traceback"] != "another" || app[4]["traceback"] != "another" {
		t.Errorf("another, and after a success: %v %v", app[3], app[4])
	}
}

func TestSentenceWithoutFailed(t *testing.T) {
	s := Sentence(&supervisor.BootFailure{Who: someone, Err: errors.New("it ended with status 3 before the app was loaded\nmore"), Output: "x\nstandpipe: python2 is too old\n"})
	if want := `app "shop" did not start: it ended with status 3 before the app was loaded; its last output: standpipe: python2 is too old`; s != want {
		t.Errorf("%q", s)
	}
}

func TestWorkerExit(t *testing.T) {
	flight := []shim.InFlight{{Label: shim.Label{ID: "01J9", Method: "POST", Target: "/pay"}}, {Label: shim.Label{ID: "02"}}}
	for name, c := range map[string]struct {
		e     supervisor.WorkerExit
		level string
		want  map[string]any
	}{
		"killed from outside": {supervisor.WorkerExit{Exit: process.Exit{Code: -1, Signal: 9, SignalName: "SIGKILL", MaxRSS: 412 << 20}, Served: 18231, InFlight: flight}, "error",
			map[string]any{"cause": "signal:9", "sender": "outside (not standpipe)", "max_rss": float64(412 << 20), "served": 18231.0, "in_flight": "id=01J9 POST /pay 1.2s -> 502, not retried: POST had started; id=02   not started -> goes to another worker"}},
		"killed by us":          {supervisor.WorkerExit{Exit: process.Exit{Code: -1, Signal: 9, SignalName: "SIGKILL"}, Ours: true, Reason: supervisor.RequestTimeout}, "error", map[string]any{"sender": "standpipe", "reason": "request_timeout"}},
		"a boot given up":       {supervisor.WorkerExit{Exit: process.Exit{Code: -1, Signal: 15, SignalName: "SIGTERM"}, Ours: true, Reason: supervisor.Reload}, "debug", map[string]any{"sender": "standpipe", "reason": "reload"}},
		"a SIGTERM of another":  {supervisor.WorkerExit{Exit: process.Exit{Code: -1, Signal: 15, SignalName: "SIGTERM"}, Reason: supervisor.None}, "error", map[string]any{"cause": "signal:15", "reason": "none"}},
		"a crash":               {supervisor.WorkerExit{Exit: process.Exit{Code: -1, Signal: 11, SignalName: "SIGSEGV"}}, "error", map[string]any{"cause": "signal:11", "sender": "itself or outside"}},
		"its own exit":          {supervisor.WorkerExit{Exit: process.Exit{Code: 3}}, "error", map[string]any{"cause": "exit:3", "reason": "none"}},
		"a stop":                {supervisor.WorkerExit{Reason: supervisor.Shutdown}, "debug", map[string]any{"cause": "exit:0", "reason": "shutdown"}},
		"a failed boot":         {supervisor.WorkerExit{Exit: process.Exit{Code: 3}, Reason: supervisor.BootFailed}, "info", map[string]any{"reason": "boot_failed"}},
		"a stop with work left": {supervisor.WorkerExit{Reason: supervisor.Shutdown, InFlight: flight[:1]}, "error", map[string]any{"reason": "shutdown"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.e.Who = someone
			var got []map[string]any
			synctest.Test(t, func(t *testing.T) {
				if len(c.e.InFlight) > 0 {
					c.e.InFlight[0].Sent = time.Now().Add(-1200 * time.Millisecond)
				}
				got = records(t, func(j *Journal) { j.Event(c.e) })
			})
			if len(got) != 1 || got[0]["event"] != "worker_exit" || got[0]["level"] != c.level || got[0]["worker"] != "shop/3" || got[0]["pid"] != 4121.0 {
				t.Fatalf("%v", got)
			}
			for k, v := range c.want {
				if got[0][k] != v {
					t.Errorf("%s is %v, want %v", k, got[0][k], v)
				}
			}
		})
	}
}

// One look does not tell a request that hangs from one that works.
func TestStuckNeedsTwoLooks(t *testing.T) {
	at := func(line string) string { return "thread 1 (MainThread)\n  shop/reports.py:" + line + " in build: x\n" }
	for _, c := range []struct{ earlier, stacks, stuck, at string }{
		{at("88"), at("88"), "shop/reports.py:88 in build: x", ""},
		{at("87"), at("88"), "", "shop/reports.py:88 in build: x"},
		{"", at("88"), "", "shop/reports.py:88 in build: x"},
		{"", "", "", ""},
	} {
		got := records(t, func(j *Journal) {
			j.Event(supervisor.RequestExpired{Who: someone, Stacks: c.stacks, Earlier: c.earlier})
		})[0]
		for key, want := range map[string]string{"stuck": c.stuck, "at": c.at} {
			if s, _ := got[key].(string); s != want {
				t.Errorf("%+v: %s=%q", c, key, s)
			}
		}
	}
}

func TestTimeoutAndRefusals(t *testing.T) { synctest.Test(t, timeoutAndRefusals) }

func timeoutAndRefusals(t *testing.T) {
	now := time.Now()
	l := shim.Label{ID: "01J9", Method: "GET", Target: "/reports?y=2024", Start: now.Add(-31 * time.Second)}
	got := records(t, func(j *Journal) {
		j.Event(supervisor.RequestExpired{Who: someone, Request: shim.InFlight{Label: l, Sent: now.Add(-30 * time.Second)}, Why: "no answer within 30s",
			Stacks:  "thread 1 (MainThread)\n  /usr/lib/python3/socket.py:1 in recv: x\n  shop/reports.py:88 in build: rows = cur.fetchall()\n",
			Earlier: "thread 1 (MainThread)\n  /usr/lib/python3/socket.py:2 in recv: y\n  shop/reports.py:88 in build: rows = cur.fetchall()\n"})
		j.Event(supervisor.Refused{App: "shop", Full: 212, Waiting: 256, Limit: 256, Oldest: 9800 * time.Millisecond, Workers: 4,
			Busy: []supervisor.BusyWorker{{Worker: "shop/1", InFlight: []shim.InFlight{{Label: shim.Label{Method: "GET", Target: "/export"}, Sent: now.Add(-27 * time.Second)}}}}})
		j.Event(supervisor.Refused{App: "shop", TimedOut: 2, Workers: 4})
	})
	if len(got) != 3 {
		t.Fatal(got)
	}
	if m := got[0]; m["event"] != "request_timeout" || m["stuck"] != "shop/reports.py:88 in build: rows = cur.fetchall()" || m["wait"] != 1.0 || m["id"] != "01J9" || !strings.Contains(m["stacks"].(string), "socket.py") {
		t.Errorf("%v", m)
	}
	if m := got[1]; m["event"] != "queue_full" || m["waiting"] != 256.0 || m["waiting_of"] != 256.0 || m["refused"] != 212.0 || m["busy"] != "1/4: shop/1 GET /export 27.0s" || m["oldest"] != 9.8 {
		t.Errorf("%v", m)
	}
	if m := got[2]; m["event"] != "queue_timeout" || m["timed_out"] != 2.0 {
		t.Errorf("%v", m)
	}
}

func TestStuck(t *testing.T) {
	for name, c := range map[string]struct{ stacks, want string }{
		"nothing":                    {"", ""},
		"the app's innermost frame":  {"thread 1\n  app.py:1 in f: g()\n  app.py:9 in g: time.sleep(9)\n", "app.py:9 in g: time.sleep(9)"},
		"the app before a library":   {"thread 1\n  app.py:1 in f: g()\n  /usr/lib/x.py:9 in g: y\n", "app.py:1 in f: g()"},
		"a library when that is all": {"thread 1\n  /usr/lib/x.py:9 in g: y\n", "/usr/lib/x.py:9 in g: y"},
		"faulthandler":               {"Thread 0x1 (most recent call first):\n  File \"/x/standpipe_shim/control.py\", line 9 in run\n\nCurrent thread 0x2 (most recent call first):\n  File \"/srv/app.py\", line 7 in spin\n  File \"/srv/app.py\", line 20 in view\n", "/srv/app.py:7 in spin"},
		"hostile":                    {"  File \"", ""},
	} {
		if got := Stuck(c.stacks); got != c.want && name != "hostile" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestOutputAndShimLog(t *testing.T) {
	got := records(t, func(j *Journal) {
		j.Event(supervisor.Output{Who: someone, Text: "a line"})
		j.Event(supervisor.ShimLog{Who: someone, Request: &shim.Label{ID: "7"}, Record: &wire.LogRecord{Level: "error", Event: "close_failed", Message: "m", Pairs: []string{"traceback", "T"}}})
		j.Event(supervisor.ShimLog{Who: someone, Record: &wire.LogRecord{}})
		j.Event(supervisor.Output{Who: someone, ID: "01J9", Text: "a line"})
	})
	if got[0]["id"] != nil || got[3]["id"] != "01J9" || got[3]["message"] != "a line" {
		t.Errorf("%v, %v", got[0], got[3])
	}
	if m := got[0]; m["event"] != "output" || m["message"] != "a line" || m["worker"] != "shop/3" || m["stream"] != "output" || m["level"] != "info" {
		t.Errorf("%v", m)
	}
	if m := got[1]; m["event"] != "close_failed" || m["level"] != "error" || m["id"] != "7" || m["traceback"] != "T" {
		t.Errorf("%v", m)
	}
	if m := got[2]; m["event"] != "worker" {
		t.Errorf("%v", m)
	}
	var b bytes.Buffer // for people: under the worker's name
	text := New(errorlog.New(errorlog.Options{Out: &b, Level: hclog.Debug, Text: true}))
	text.Event(supervisor.Output{Who: someone, Text: "a line"})
	text.Event(supervisor.Output{Who: someone, ID: "01J9", Text: "a line"})
	lines := strings.Split(b.String(), "\n")
	if len(lines) != 3 || !strings.HasSuffix(lines[0], " [INFO]  shop/3: a line") || !strings.HasSuffix(lines[1], " [INFO]  shop/3 id=01J9: a line") {
		t.Errorf("%q", b.String())
	}
}

func TestProgress(t *testing.T) {
	p := NewProgress()
	p.Event(supervisor.BootFailure{Who: someone})
	if s := p.Of("shop"); !s.Failed || s.Ready != nil {
		t.Errorf("%+v", s)
	}
	select {
	case <-p.Changed():
	default:
		t.Error("no change told")
	}
	p.Event(supervisor.WorkerHello{Who: someone, Hello: &wire.Hello{Python: "3.12"}})
	p.Event(supervisor.WorkerReady{Who: someone, Ready: &wire.Ready{Found: "a:b"}, Count: 1, Of: 2})
	if s := p.Of("shop"); s.Failed || s.Ready.Found != "a:b" || s.Count != 1 || s.Of != 2 || s.Hello.Python != "3.12" {
		t.Errorf("%+v", s)
	}
}

// Of several threads that run requests, the one in question is named.
func TestStuckIsTheRequestsOwn(t *testing.T) {
	marked := "thread 1 (a)\n  app.py:1 in other: x\nthread 2 (b), of this request\n  app.py:2 in mine: y\nthread 3\n  app.py:3 in third: z\n"
	if at := Stuck(marked); at != "app.py:2 in mine: y" {
		t.Error(at)
	}
	dump := "Thread 0x1 (most recent call first):\n  File \"/a/app.py\", line 5 in c\n  File \"/s/standpipe_shim/wsgi.py\", line 9 in serve\n\n" +
		"Thread 0x2 (most recent call first):\n  File \"/usr/lib/threading.py\", line 7 in join\n  File \"/s/standpipe_shim/runner.py\", line 1 in run\n"
	if at := Stuck(dump); at != "/a/app.py:5 in c" {
		t.Error(at)
	}
}
