package integration

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// An upgrade with automatic certificates: each handshake gets the stored one, before, during and after it, and no process orders another.
func TestUpgradeKeepsAutomaticCertificates(t *testing.T) {
	t.Parallel()
	ca := newACME(t, nil)
	s := start(t, ca.options(t, "--https", "shop.example.test"))
	first := ca.issued(t, "shop.example.test")
	s.waitEvent("certificate_obtained") // comes after the first handshake that gets it
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for !stop.Load() {
				if leaf, err := ca.handshake("shop.example.test"); err != nil || !leaf.Equal(first) {
					t.Errorf("a handshake got another certificate, or none: %v, %v", leaf, err)
					return
				}
			}
		})
	}
	s.usr2()
	s.upgraded()
	if code := s.oldEnded(patience); code != 0 {
		t.Errorf("the old process ended with %d", code)
	}
	stop.Store(true)
	wg.Wait()
	if list := s.events("certificate_obtained"); len(list) != 1 {
		t.Errorf("%v", list)
	}
}

// A challenge is in flight when an upgrade comes: the new process tries again at once, and there is one certificate and no failure.
func TestUpgradeDuringChallenge(t *testing.T) {
	t.Parallel()
	ca := newACME(t, nil)
	dir := project(t, nil)
	gate, calls := dir+"/gate", dir+"/calls"
	program := dir + "/records"
	// The records are set by the test, which reads the calls.
	script := fmt.Sprintf("#!/bin/sh\necho \"$@\" >> %s\n[ $1 = present ] && while [ ! -e %s ]; do sleep 0.05; done\nexit 0\n", calls, gate)
	putProgram(t, program, []byte(script))
	called := func() (list [][]string) {
		b, _ := os.ReadFile(calls)
		for line := range strings.Lines(string(b)) {
			list = append(list, strings.Fields(line))
		}
		return list
	}
	s := start(t, ca.options(t, "--https", "shop.example.test", "--acme-dns", "program", "--acme-dns-program", program))
	eventually(t, "the program runs", func() bool { return len(called()) == 1 })
	s.usr2()
	s.upgraded()
	if code := s.oldEnded(patience); code != 0 {
		t.Errorf("the old process ended with %d", code)
	}
	presents := func() (list [][]string) {
		for _, c := range called() {
			if c[0] == "present" {
				list = append(list, c)
			}
		}
		return list
	}
	eventually(t, "the new process runs it", func() bool { return len(presents()) >= 2 })
	for _, c := range presents() {
		ca.Set(c[1], c[2], true)
	}
	if err := os.WriteFile(gate, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	ca.issued(t, "shop.example.test")
	s.waitEvent("certificate_obtained") // comes after the first handshake that gets it
	if obtained, failed := s.events("certificate_obtained"), s.events("certificate_failed"); len(obtained) != 1 || len(failed) != 0 {
		t.Errorf("%v %v", obtained, failed)
	}
}
