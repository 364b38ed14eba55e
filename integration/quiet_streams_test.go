package integration

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Two clients read streams of one worker that runs several requests at a time, and the streams are quiet for longer than
// `timeout`. When one client leaves, the other one keeps its stream and its worker.
func TestFault_B1_QuietStreamOutlivesAnotherClient(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args  []string
		left  string        // the path of the client that leaves
		quiet time.Duration // how long the other stream is quiet after that
	}{
		"threads": {[]string{"--threads", "4"}, "/quiet", 7 * time.Second},
		"gevent":  {[]string{"--gevent", "4"}, "/quiet", 7 * time.Second},
		// The client leaves before its answer has begun, and the app's work for it is interrupted: longer than drain_grace.
		"cancel": {[]string{"--threads", "4", "--on-disconnect", "cancel"}, "/silent", 7 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := project(t, map[string]string{"app.py": `import os, time
def wait():
    while not os.path.exists("gate"):
        time.sleep(0.05)
def app(environ, start_response):
    if environ["PATH_INFO"] == "/silent":
        open("silent", "w").close()
        wait()
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    yield b"data: %d\n\n" % os.getpid()
    if environ["PATH_INFO"] != "/pid":
        wait()
        yield b"data: last\n\n"
`})
			timeout := "5s"
			if c.left == "/silent" {
				timeout = "60s"
			}
			s := start(t, opts{App: "app:app", Dir: dir, Python: python(t), Args: append([]string{"-w", "1", "--timeout", timeout}, c.args...)})
			stays := s.listen("/quiet")
			pid := stays.event(t, bootPatience)
			leaves := s.listen(c.left)
			if c.left == "/silent" {
				within(t, bootPatience, "the silent view runs", func() bool { _, err := os.Stat(filepath.Join(dir, "silent")); return err == nil })
			} else if got := leaves.event(t, bootPatience); got != pid {
				t.Fatalf("worker %s, and the first one is %s", got, pid)
			}
			leaves.c.Close()
			time.Sleep(c.quiet) // the subject of this test: nothing may happen in this time
			write(t, dir, map[string]string{"gate": ""})
			if got := stays.event(t, bootPatience); got != "last" {
				t.Errorf("the stream ended with %q", got)
			}
			if r := s.events("request_timeout"); len(r) > 0 {
				t.Errorf("%v", r)
			}
			if got := s.listen("/pid").event(t, bootPatience); c.left == "/quiet" && got != pid {
				t.Errorf("worker %s serves, and before it was %s", got, pid)
			}
		})
	}
}
