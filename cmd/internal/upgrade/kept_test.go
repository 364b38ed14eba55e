package upgrade

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Secrets come over the pipe, and are not in the environment.
func TestKept(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	secret := strings.Repeat("s", 200_000) // more than a pipe holds
	path := script(t, "env >"+out+".env; read a <&3; read b <&3; printf '%s\\n%s\\n' \"$a\" \"$b\" >"+out+"; echo ready >&4; read go <&3; echo taken >&4; read end <&3")
	a, err := Start(Options{Program: path, Args: []string{"x"}, Env: os.Environ(), Dir: t.TempDir(), Kept: map[string][]byte{"one": []byte(secret), "two": nil}})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-a.Done(); err != nil {
		t.Fatal(err)
	}
	if err := a.TakeOver(); err != nil {
		t.Fatal(err)
	}
	a.Finish()
	<-a.exited
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := readKept(bufio.NewReader(strings.NewReader(string(b)+"go\n")), 2)
	if err != nil || string(kept["one"]) != secret || len(kept["two"]) != 0 {
		t.Errorf("%v %d secrets", err, len(kept))
	}
	env, err := os.ReadFile(out + ".env")
	if err != nil || !strings.Contains(string(env), variable) || strings.Contains(string(env), "kept one") {
		t.Errorf("%v %s", err, env)
	}
	for _, bad := range []string{"", "go\n", "kept one %\n", "kept one"} {
		if _, err := readKept(bufio.NewReader(strings.NewReader(bad)), 1); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	for _, n := range []int{-1, maxKept + 1} {
		if _, err := readKept(nil, n); err == nil {
			t.Errorf("%d secrets were taken", n)
		}
	}
}

// A process that does not read its secrets does not hold up its own end.
func TestKeptUnread(t *testing.T) {
	a, err := Start(Options{Program: script(t, "exec sleep 1000"), Args: []string{"x"}, Env: os.Environ(), Dir: t.TempDir(), Kept: map[string][]byte{"one": make([]byte, 300_000)}})
	if err != nil {
		t.Fatal(err)
	}
	a.Abort()
	if err := <-a.Done(); err != ErrAborted {
		t.Error(err)
	}
	a.keeping.Wait()
}
