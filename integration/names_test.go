package integration

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Tests compare no sentence that standpipe writes for people. They compare events, fields, exit codes and statuses, and
// where a text has to name something, the name alone: a setting, a flag, a file with its line, a value. The sentences
// are in testdata/golden (golden_test.go).

// texts are the values of the record, in no order.
func (r record) texts() string {
	var list []string
	for _, v := range r {
		list = append(list, fmt.Sprint(v))
	}
	return strings.Join(list, "\n")
}

// names says whether a value of the record holds each of these names.
func (r record) names(list ...string) bool { return holds(r.texts(), list...) }

// names says whether the command's output holds each of these names.
func (r result) names(list ...string) bool { return holds(r.out+r.errout, list...) }

func holds(text string, names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return !strings.Contains(text, name) })
}

// problem is one of those that check --json reports; Where is the flag or the line of a file.
type problem struct{ Where, Message string }

// checkReport is the report of check --json.
type checkReport struct {
	OK       bool
	Problems []problem
	Warnings []string
}

// check runs check --json in dir; it returns the exit code too.
func check(t testing.TB, dir string, args ...string) (checkReport, int) {
	t.Helper()
	r := run(t, dir, nil, append([]string{"check", "--json"}, args...)...)
	var c checkReport
	if err := json.Unmarshal([]byte(r.out), &c); err != nil {
		t.Fatalf("check --json %q: %v; %+v", args, err, r)
	}
	return c, r.code
}

// What became of a request whose worker died, as in_flight tells after the arrow.
const (
	fateAgain = "run again" // another worker ran it
	fateCut   = "cut off"   // its answer had begun
)

// inFlight is one request in the field in_flight: its id and the rest.
var inFlight = regexp.MustCompile(`id=(\S+) ([^;]*)`)

// fates are the requests of the field in_flight, by id: what is said after the arrow.
func (r record) fates() map[string]string {
	all := map[string]string{}
	for _, m := range inFlight.FindAllStringSubmatch(r.str("in_flight"), -1) {
		_, fate, _ := strings.Cut(m[2], "-> ")
		all[m[1]] = fate
	}
	return all
}

// fate is that of the only request in flight: a status, fateAgain or fateCut first.
func (r record) fate() string {
	for _, fate := range r.fates() {
		return fate
	}
	return ""
}

// waitBanner waits for the text that a start with --log-format text ends with, and returns its lines of that label.
func (s *server) waitBanner(label string) []string {
	s.t.Helper()
	lines := func(label string) (list []string) {
		own := false // the line is the label's, or continues its list
		for line := range strings.SplitSeq(s.stderrText(), "\n") {
			if first := regexp.MustCompile(`^  (\S+) +\S`).FindStringSubmatch(line); first != nil {
				own = first[1] == label
			} else if !strings.HasPrefix(line, "   ") {
				own = false
			}
			if own {
				list = append(list, line)
			}
		}
		return list
	}
	eventually(s.t, "the banner", func() bool { return len(lines("health")) > 0 || s.ended() })
	return lines(label)
}

// failedBoot is the first app_failed record of a serve that ended; nil: there is none.
func failedBoot(r result) record {
	for line := range strings.SplitSeq(r.errout, "\n") {
		if rec := parseRecord(line); rec != nil && rec.event() == "app_failed" {
			return rec
		}
	}
	return nil
}
