package corpus

import (
	"fmt"
	"slices"
	"strings"
)

// String is an outcome in short, as the tables of differences have it: the statuses, with what ran behind the case, and
// the end: "400 close", "200 keep", "200+canary close", "waits".
func (o Outcome) String() string {
	var statuses []string
	end := "keep"
	if o.Closed {
		end = "close"
	}
	for _, a := range o.Answers {
		switch {
		case a.Status == 200 && a.Echo.Target == ProbeTarget && a.Echo.Method == "GET" && a.Echo.Host == "follower":
			end = "keep"
		case a.Status == 200 && a.Echo.Target == CanaryTarget && a.Echo.Method == "GET" && a.Echo.Host == "follower":
			end = "keep"
		case a.Status == 200:
			statuses = append(statuses, fmt.Sprintf("200 %s %q", a.Echo.Method, a.Echo.Body))
		default:
			statuses = append(statuses, fmt.Sprint(a.Status))
		}
	}
	if len(statuses) == 0 {
		statuses = append(statuses, "none")
	}
	if o.Waited {
		statuses = append([]string{"waits"}, statuses...)
	}
	if o.Err != nil {
		statuses = append(statuses, "broken")
	}
	return strings.Join(append(statuses, end), " ")
}

// Ran tells whether the request behind a case has run.
func (o Outcome) Ran(target string) bool {
	return slices.ContainsFunc(o.Answers, func(g Got) bool { return g.Status == 200 && g.Echo.Target == target })
}

// Check returns what is wrong with an outcome, nil for nothing.
func (c *Case) Check(o Outcome) error {
	if o.Err != nil {
		return o.Err
	}
	want := slices.Clone(c.Want)
	if slices.Contains(want[len(want)-1].Statuses, 0) && len(o.Answers) < len(want) {
		want = want[:len(want)-1]
	}
	n := len(want)
	if len(o.Answers) < n {
		return fmt.Errorf("%d answers of %d: %v", len(o.Answers), n, o)
	}
	for i, a := range want {
		if err := a.check(o.Answers[i]); err != nil {
			return fmt.Errorf("answer %d: %w", i+1, err)
		}
	}
	behind := o.Answers[n:]
	switch {
	case !o.Closed:
		return fmt.Errorf("the connection is still open: %v", o)
	case len(behind) > 1:
		return fmt.Errorf("%d answers behind the case: %v", len(behind), o)
	case c.End == Close && len(behind) != 0:
		return fmt.Errorf("an answer %d to %s %s, behind the end of the connection", behind[0].Status, behind[0].Echo.Method, behind[0].Echo.Target)
	case c.End == Keep && !c.Fin && (len(behind) == 0 || !o.Ran(ProbeTarget)):
		return fmt.Errorf("the next request on the connection has no answer: %v", o)
	case c.End == Any && len(behind) == 1 && !o.Ran(ProbeTarget):
		return fmt.Errorf("an answer %d to something that is not the next request", behind[0].Status)
	}
	if c.End == Close && n > 0 && !c.Fin { // a fault behind the answer to /unread is found too late for it
		if last := o.Answers[n-1]; last.Proto == "HTTP/1.1" && !last.Close && !strings.HasPrefix(last.Echo.Target, "/unread") {
			return fmt.Errorf("the last answer, %d, does not say Connection: close (RFC 9112 9.6)", last.Status)
		}
	}
	if len(o.Interim) > 0 && !strings.Contains(strings.ToLower(c.Bytes()), "100-continue") {
		return fmt.Errorf("interim answers %v to a client that expects none", o.Interim)
	}
	return nil
}

func (a *Answer) check(g Got) error {
	if !slices.Contains(a.Statuses, g.Status) {
		return fmt.Errorf("%d %s %q, want %v", g.Status, g.Echo.Method, g.Echo.Target, a.Statuses)
	}
	if g.Status != 200 || g.Echo.Method == "" { // HEAD; OPTIONS * that the server answers itself
		return nil
	}
	for _, v := range []struct {
		what string
		want *string
		got  string
	}{{"method", a.Method, g.Echo.Method}, {"target", a.Target, g.Echo.Target}, {"host", a.Host, g.Echo.Host},
		{"proto", a.Proto, g.Echo.Proto}, {"body", a.Body, g.Echo.Body}} {
		if v.want != nil && *v.want != v.got {
			return fmt.Errorf("the %s is %q, want %q", v.what, v.got, *v.want)
		}
	}
	for name, want := range a.Fields {
		switch got, there := g.Echo.Fields[name]; {
		case want == nil && there:
			return fmt.Errorf("there is a field %s: %q", name, got)
		case want != nil && (!there || got != *want):
			return fmt.Errorf("the field %s is %q, want %q", name, got, *want)
		}
	}
	return nil
}
