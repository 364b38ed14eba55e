package run

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
	"github.com/standpipe/standpipe/supervisor"
)

func bufferLog() (*logfile.Log, *bytes.Buffer) {
	b := new(bytes.Buffer)
	return &logfile.Log{Logger: hclog.New(&hclog.LoggerOptions{Output: b, Level: hclog.Debug, DisableTime: true})}, b
}

// events are the names of the records, in their order.
func events(b *bytes.Buffer) (list []string) {
	for line := range strings.Lines(b.String()) {
		_, rest, _ := strings.Cut(line, "] ")
		name, _, _ := strings.Cut(strings.TrimSpace(rest), ":")
		list = append(list, name)
	}
	return list
}

func TestCoalescer(t *testing.T) {
	var c coalescer
	if !c.add("a") || c.add("a") || !c.add("b") {
		t.Fatal("the first request of a key starts, and no other")
	}
	if !c.next("a") || c.next("a") {
		t.Error("requests that come before a run are one run")
	}
	if !c.add("a") {
		t.Error("a request after the last run does not start")
	}
	if !c.next("a") || c.add("a") || !c.next("a") || c.next("a") {
		t.Error("a request during a run is one more run")
	}
}

func TestTouchWatch(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "touched")
	apps := []config.App{{Name: "shop", Life: config.Life{TouchReload: []string{file}}}}
	touchAt := func(sec int64) {
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, time.Unix(sec, 0), time.Unix(sec, 0)); err != nil {
			t.Fatal(err)
		}
	}
	w := &touchWatch{}
	for i, step := range []struct {
		do   func()
		want int
	}{
		{func() {}, 0},                                             // it does not exist
		{func() { touchAt(1) }, 1},                                 // it comes
		{func() {}, 0},                                             // nothing
		{func() { touchAt(2) }, 1},                                 // it is touched
		{func() { _ = os.Remove(file) }, 0},                        // it goes
		{func() { touchAt(2) }, 1},                                 // it comes again
		{func() { apps = append(apps, apps[0]) }, 0},               // the same file once more
		{func() { apps[1].Name = "blog" }, 0},                      // a new app
		{func() { touchAt(3) }, 2},                                 // both
		{func() { apps[1].Life.TouchReload = nil; touchAt(4) }, 1}, // one only
	} {
		step.do()
		if got := w.look(apps); len(got) != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
}

func TestReleaseWatch(t *testing.T) {
	log, b := bufferLog()
	w := &releaseWatch{log: log}
	gone := func(release string) bool { return release == "old" }
	for _, release := range []string{"new", "old", "old", "new", "old"} {
		w.look(supervisor.Stats{App: "shop", Release: release}, gone)
	}
	if got := events(b); !slices.Equal(got, []string{"release_gone", "release_gone"}) {
		t.Errorf("%q", got)
	}
}

func TestReadinessWatch(t *testing.T) {
	log, b := bufferLog()
	w := &readinessWatch{log: log}
	app := func(everUp, ready bool, unserved time.Duration) []readyStats {
		return []readyStats{{supervisor.Stats{App: "shop", EverUp: everUp, Unserved: unserved}, ready}}
	}
	now := time.Unix(1e9, 0)
	for _, list := range [][]readyStats{
		app(false, false, time.Minute), // the start
		app(true, true, 0),
		app(true, false, 0), // stopping, or something else
		app(true, false, 6*time.Second),
		app(true, false, 7*time.Second), // told once
		app(true, true, 0),
		app(true, true, 0),
		app(true, false, 6*time.Second),
		nil, // removed
		app(true, true, 0),
	} {
		now = now.Add(time.Second)
		w.look(list, now)
	}
	if got := events(b); !slices.Equal(got, []string{"not_ready", "ready_again", "not_ready"}) {
		t.Errorf("%q", got)
	}
	if !strings.Contains(b.String(), "ready_again: app=shop gen=0 for=8s") {
		t.Errorf("%s", b.String())
	}
}
