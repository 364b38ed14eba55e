package top

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	mostThreads = 200
	mostFrames  = 200 // of a thread
)

// thread is one of a worker, the newest call last.
type thread struct {
	name   string
	rank   int // the highest is that of the request
	frames []call
}

// call is where a thread is.
type call struct {
	file     string // below the app's folder, else absolute
	line     int
	function string
	source   string // the line; empty: unknown
}

func (c call) String() string {
	s := fmt.Sprintf("%s:%d in %s", c.file, c.line, c.function)
	if c.source != "" {
		s += ": " + c.source
	}
	return s
}

// own says whether it is the app's own code.
func (c call) own() bool {
	return !strings.HasPrefix(c.file, "/") && !strings.HasPrefix(c.file, "<") && !strings.Contains(c.file, "site-packages") && !strings.Contains(c.file, "dist-packages")
}

var (
	shimCall    = regexp.MustCompile(`^  (.+?):(\d+) in ([^:]+?)(?:: (.*))?$`)
	faultCall   = regexp.MustCompile(`^  File "(.*)", line (\d+) in (.*)$`)
	shimThread  = regexp.MustCompile(`^thread \d+(?: \((.*)\))?(, of this request)?$`)
	faultThread = regexp.MustCompile(`^(Thread|Current thread) 0x[0-9a-f]+(?: \[(.*)\])? \(most recent call first\):$`)
)

// readStacks reads what a worker has answered: the shim's own form, or that of Python's faulthandler, which writes where
// the shim cannot. folder is that of the app. The shim's own calls are left out, and threads without others.
func readStacks(text, folder string) []thread {
	var out []thread
	var now *thread
	reversed := false
	end := func() {
		if now == nil || len(now.frames) == 0 {
			return
		}
		if reversed {
			slices.Reverse(now.frames)
		}
		out = append(out, *now)
	}
	for l := range strings.SplitSeq(text, "\n") {
		if len(out) >= mostThreads {
			break
		}
		if t, from := newThread(l); t != nil {
			end()
			now, reversed = t, from
			continue
		}
		if now == nil || len(now.frames) >= mostFrames {
			continue
		}
		if c, is := newCall(l, folder); is {
			now.frames = append(now.frames, c)
		}
	}
	end()
	return out
}

// newThread reads the first line of a thread; reversed: the newest call comes first.
func newThread(l string) (t *thread, reversed bool) {
	if m := shimThread.FindStringSubmatch(l); m != nil {
		t = &thread{name: m[1]}
		switch {
		case m[2] != "":
			t.rank = 2
		case m[1] == "MainThread":
			t.rank = 1
		}
		return t, false
	}
	if m := faultThread.FindStringSubmatch(l); m != nil {
		t = &thread{name: m[2]}
		if m[1] == "Current thread" {
			t.rank = 1
			t.name = "MainThread"
		}
		return t, true
	}
	return nil, false
}

func newCall(l, folder string) (call, bool) {
	m := faultCall.FindStringSubmatch(l)
	if m == nil {
		if m = shimCall.FindStringSubmatch(l); m == nil {
			return call{}, false
		}
	} else {
		m = append(m, "")
	}
	n, err := strconv.Atoi(m[2])
	if err != nil || strings.Contains(m[1], "/standpipe_shim/") || strings.Contains(m[1], "/shim-") && strings.HasSuffix(m[1], "/__main__.py") {
		return call{}, false
	}
	if folder != "" {
		m[1] = strings.TrimPrefix(m[1], strings.TrimSuffix(folder, "/")+"/")
	}
	return call{m[1], n, m[3], m[4]}, true
}

// busiest is the innermost call of the app's own code, of the thread of the request; empty: there is none.
func busiest(threads []thread) string {
	var best *thread
	for i := range threads {
		if best == nil || threads[i].rank > best.rank {
			best = &threads[i]
		}
	}
	if best == nil {
		return ""
	}
	for i := len(best.frames) - 1; i >= 0; i-- {
		if best.frames[i].own() {
			return best.frames[i].String()
		}
	}
	return best.frames[len(best.frames)-1].String()
}
