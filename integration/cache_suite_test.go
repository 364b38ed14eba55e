package integration

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// suiteVerdict is what the public test suite for HTTP caches says of one test.
type suiteVerdict struct {
	Suite   string `json:"suite"`
	Kind    string `json:"kind"`    // "required", "optimal" or "check"
	Verdict string `json:"verdict"` // "pass", "fail", "not optimal", "yes", "no", "setup", "dependency", "retry", "harness"
	Reason  string `json:"reason"`
}

// cacheSuite runs the tests of npm's http-cache-tests through the cache that front starts before the suite's origin; only: those
// tests; none: all that are not for browsers alone.
func cacheSuite(t *testing.T, front func(origin string) (url string), only ...string) map[string]suiteVerdict {
	t.Helper()
	node := program(t, "node")
	folder := filepath.Join(repoDir(), ".cache", "cachesuite")
	install := exec.Command(filepath.Join("cachesuite", "install.sh"), folder)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("install.sh: %v\n%s", err, out)
	}
	cmd := exec.Command(node, append([]string{"--no-warnings", filepath.Join("cachesuite", "run.mjs"), folder}, only...)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errout bytes.Buffer
	cmd.Stderr = &errout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	out := bufio.NewReader(pipe)
	origin, err := out.ReadString('\n')
	if err != nil {
		t.Fatalf("%v\n%s", err, &errout)
	}
	fmt.Fprintln(in, front(strings.TrimSpace(origin)))
	text, err := io.ReadAll(out)
	verdicts := map[string]suiteVerdict{}
	if err == nil {
		err = json.Unmarshal(text, &verdicts)
	}
	if err != nil {
		t.Fatalf("%v: %.200s\n%s", err, text, &errout)
	}
	if len(only) > 0 {
		t.Logf("%s", &errout)
	}
	return verdicts
}

// The public suite, through the built binary: no required test fails, and every test that is not passed has its sentence in
// cachesuite/remaining.txt. STANDPIPE_TEST_CACHE="ID ID" runs these alone, and shows each message.
func TestCacheSuite(t *testing.T) {
	t.Parallel()
	only := strings.Fields(os.Getenv("STANDPIPE_TEST_CACHE"))
	verdicts := cacheSuite(t, func(origin string) string {
		dir := project(t, map[string]string{"standpipe.toml": fmt.Sprintf("[[route]]\npath = \"/\"\nupstreams = [%q]\ncache = \"on\"\ncache_set_cookies = [\"a\"]\n", origin)})
		return start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml"}, Apps: -1}).URL
	}, only...)
	if len(only) > 0 {
		for _, id := range slices.Sorted(maps.Keys(verdicts)) {
			t.Logf("%s: %+v", id, verdicts[id])
		}
		return
	}
	sentences := remainingCases(t)
	passed, all := map[string]int{}, map[string]int{}
	for _, id := range slices.Sorted(maps.Keys(verdicts)) {
		v := verdicts[id]
		all[v.Kind]++
		if v.Verdict == "pass" || v.Verdict == "yes" {
			passed[v.Kind]++
			if sentences[id] != "" {
				t.Errorf("%s passes; it is in remaining.txt", id)
			}
			continue
		}
		if v.Kind != "check" && sentences[id] == "" {
			t.Errorf("%s (%s, %s): %s: %s; it has no sentence in remaining.txt", id, v.Suite, v.Kind, v.Verdict, v.Reason)
		}
		if v.Verdict == "fail" || v.Verdict == "harness" {
			t.Errorf("%s (%s, %s): %s: %s", id, v.Suite, v.Kind, v.Verdict, v.Reason)
		}
		delete(sentences, id)
	}
	t.Logf("required %d of %d, optimal %d of %d, %d of %d behaviours that have no right answer",
		passed["required"], all["required"], passed["optimal"], all["optimal"], passed["check"], all["check"])
	// Of the required ones, no cache can pass four, and one asks for what must not be done: remaining.txt.
	if all["required"] != 157 || all["optimal"] != 86 || passed["required"] < 152 || passed["optimal"] < 75 {
		t.Error("fewer than 152 of 157 required or 75 of 86 optimal tests")
	}
	for id := range sentences {
		if _, ok := verdicts[id]; !ok {
			t.Errorf("%s: there is no such test", id)
		}
	}
}

// remainingCases are those that are not passed, with the reason.
func remainingCases(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("cachesuite", "remaining.txt"))
	if err != nil {
		t.Fatal(err)
	}
	sentences := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, sentence, ok := strings.Cut(line, ": ")
		if !ok || !strings.HasSuffix(sentence, ".") {
			t.Errorf("remaining.txt: %q is not an id and a sentence", line)
		}
		sentences[id] = sentence
	}
	return sentences
}
