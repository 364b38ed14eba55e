package integration

import (
	"fmt"
	"strings"
	"testing"
)

// Each kind of refusal has an error page, one line in the access log, and a record with the reason.
func TestHTTP1Refusals(t *testing.T) {
	t.Parallel()
	serve := func(patience string) *server {
		return start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": hello("x")}), Args: []string{"-w", "1", "--header-timeout", patience, "--body-timeout", patience, "--max-body", "1KiB"}})
	}
	lenient, hasty := serve("1m"), serve("1s") // on a busy machine any request may be too slow for a hasty one
	lines := map[*server]int{}
	for _, c := range []struct {
		status  int
		event   string // of the record; "": the access log has all there is
		request string
	}{
		{400, "request_refused", "GET /400 HTTP/1.1\r\nHost : a\r\n\r\n"},
		{400, "", "POST /400-body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n\r\n"},
		{408, "request_refused", "GET /408 HTTP/1.1\r\nHost: a\r\n"},
		{408, "", "POST /408-body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"},
		{413, "body_too_large", "POST /413 HTTP/1.1\r\nHost: a\r\nContent-Length: 1025\r\n\r\n"},
		{414, "request_refused", "GET /" + strings.Repeat("t", 60_000) + " HTTP/1.1\r\nHost: a\r\n\r\n"},
		{417, "request_refused", "GET /417 HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n"},
		{431, "request_refused", "GET /431 HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("v", 70_000) + "\r\n\r\n"},
		{501, "request_refused", "POST /501 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
		{505, "request_refused", "GET /505 HTTP/2.0\r\nHost: a\r\n\r\n"},
	} {
		s := lenient
		if c.status == 408 {
			s = hasty
		}
		answer := s.raw(c.request)
		if !strings.HasPrefix(answer, fmt.Sprintf("HTTP/1.1 %d ", c.status)) || !strings.Contains(answer, "\r\nConnection: close\r\n") || !strings.Contains(answer, "\r\nContent-Type: text/html") {
			t.Errorf("%.40q: %.500q", c.request, answer)
		}
		eventually(t, fmt.Sprintf("an access log line of %.40q", c.request), func() bool { return len(s.access()) > lines[s] })
		if all := s.access(); len(all) != lines[s]+1 || !strings.Contains(all[lines[s]], fmt.Sprintf(`" %d `, c.status)) {
			t.Errorf("%.40q: access log lines %q", c.request, all[lines[s]:])
		}
		lines[s] = len(s.access())
		if c.event == "" {
			continue
		}
		eventually(t, fmt.Sprintf("a record of %.40q", c.request), func() bool {
			for _, r := range s.events(c.event) {
				if c.event == "body_too_large" || r.str("status") == fmt.Sprint(c.status) && r.str("reason") != "" {
					return true
				}
			}
			return false
		})
	}
	lenient.want(200, "/")
	hasty.want(200, "/")
}
