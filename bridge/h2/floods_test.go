package h2

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// told are the reasons that Options were told.
type told struct {
	mu   sync.Mutex
	list []string
}

func (r *told) add(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, why)
}

func (r *told) has(t *testing.T, want ...string) {
	t.Helper()
	for limit := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		r.mu.Lock()
		got := strings.Join(r.list, " ")
		r.mu.Unlock()
		if got == strings.Join(want, " ") {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("told of %q, want %q", got, want)
		}
	}
}

func (r *told) options() Options {
	return Options{Ended: r.add, Slowed: func() { r.add("slowed") }, Refused: func(f Refusal) { r.add(f.Reason) }}
}

// A flood ends its connection with ENHANCE_YOUR_CALM, and is counted with its reason.
func TestFloods(t *testing.T) {
	block := frame(headersFrame, endStream, 1, get)
	open := frame(headersFrame, endHeaders, 1, get)
	for why, flood := range map[string][2]string{ // once, and again and again
		"ping_flood":          {"", frame(pingFrame, 0, 0, "12345678")},
		"settings_flood":      {"", frame(settingsFrame, 0, 0, "")},
		"priority_flood":      {"", frame(priorityFrame, 0, 3, "\x00\x00\x00\x00\x10")},
		"unknown_frames":      {"", frame(99, 0, 0, "what")},
		"window_update_flood": {"", frame(windowUpdateFrame, 0, 0, "\x00\x00\x00\x01")},
		"continuation_flood":  {block, frame(continuationFrame, 0, 1, "")},
		"empty_data_flood":    {open, frame(dataFrame, 0, 1, "")},
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			var reasons told
			_, url, _ := serveWith(t, reasons.options(), func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
			c := dial(t, url)
			go func() { // ends with the connection
				_, err := io.WriteString(c, preface+frame(settingsFrame, 0, 0, "")+flood[0])
				for batch := strings.Repeat(flood[1], 500); err == nil; {
					_, err = io.WriteString(c, batch)
				}
			}()
			if _, code := goneAway(t, c); code != enhanceYourCalm {
				t.Errorf("the error of GOAWAY is %d", code)
			}
			reasons.has(t, why)
			c.Close()
		})
	}
}

// Streams that the server has to reset, because their frames are wrong, do not run without end (CVE-2025-8671).
func TestMadeYouReset(t *testing.T) {
	var reasons told
	_, url, _ := serveWith(t, Options{Ended: reasons.add}, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c := dial(t, url)
	go func() { // ends with the connection
		_, err := io.WriteString(c, preface+frame(settingsFrame, 0, 0, ""))
		for id := uint32(1); err == nil; id += 2 {
			_, err = io.WriteString(c, frame(headersFrame, endStream|endHeaders, id, get)+frame(windowUpdateFrame, 0, id, "\x00\x00\x00\x00"))
		}
	}()
	if _, code := goneAway(t, c); code != enhanceYourCalm {
		t.Errorf("the error of GOAWAY is %d", code)
	}
	c.Close()
	bridgetest.Until(t, "a reason", func() bool {
		reasons.mu.Lock()
		defer reasons.mu.Unlock()
		return len(reasons.list) > 0
	})
	reasons.mu.Lock()
	defer reasons.mu.Unlock()
	if len(reasons.list) != 1 || reasons.list[0] != "stream_errors" && reasons.list[0] != "cancelled_requests" && reasons.list[0] != "rapid_reset" {
		t.Errorf("told of %q", reasons.list)
	}
}

// What net/http ends by itself is counted too.
func TestErrorsOfTheConnection(t *testing.T) {
	for why, text := range map[string]string{
		"protocol_error":     frame(dataFrame, 0, 1, "of no stream"),
		"frame_size_error":   frame(headersFrame, endHeaders, 1, strings.Repeat("\x82", 17000)),
		"compression_error":  frame(headersFrame, endHeaders, 1, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
		"flow_control_error": frame(windowUpdateFrame, 0, 0, "\x7f\xff\xff\xff"),
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			var reasons told
			_, url, _ := serveWith(t, reasons.options(), func(http.ResponseWriter, *http.Request) {})
			c := dial(t, url)
			send(t, c, preface+frame(settingsFrame, 0, 0, "")+text)
			if _, code := goneAway(t, c); code == noError {
				t.Error("GOAWAY has no error")
			}
			reasons.has(t, why)
		})
	}
	t.Run("settings_timeout", func(t *testing.T) { // two seconds, of net/http's
		t.Parallel()
		var reasons told
		_, url, _ := serveWith(t, reasons.options(), func(http.ResponseWriter, *http.Request) {})
		c := dial(t, url)
		send(t, c, preface)
		if !toEnd(c) {
			t.Error("it stays open")
		}
		reasons.has(t, "settings_timeout")
	})
}

// A client that leaves is not told of.
func TestLeavingIsNoError(t *testing.T) {
	var reasons told
	s, url, _ := serveWith(t, reasons.options(), func(http.ResponseWriter, *http.Request) {})
	for _, text := range []string{"", preface[:9], preface, preface + frame(settingsFrame, 0, 0, ""), preface + frame(settingsFrame, 0, 0, "") + frame(headersFrame, endHeaders, 1, get)} {
		c := dial(t, url)
		send(t, c, text)
		c.Close()
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	reasons.has(t)
}

// The answers that net/http gives without a handler are told of, and no others.
func TestOwnAnswers(t *testing.T) {
	long := strings.Repeat("\x00\x01a\x7f\x01"+strings.Repeat("b", 128), 120)
	for name, c := range map[string]struct {
		frames string
		want   []string
	}{
		"431":        {frame(headersFrame, endStream, 1, get+long) + frame(continuationFrame, endHeaders, 1, long[:133*110]), []string{"head_too_large"}},
		"Connection": {frame(headersFrame, endStream|endHeaders, 1, get+"\x00\x0aconnection\x05close"), []string{"connection_field"}},
		"TE":         {frame(headersFrame, endStream|endHeaders, 1, get+"\x00\x02te\x04gzip"), []string{"connection_field"}},
		"no path":    {frame(headersFrame, endStream|endHeaders, 1, "\x82\x86\x01\x01h"), []string{"stream_error"}},
		"an app's":   {frame(headersFrame, endStream|endHeaders, 1, get), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var reasons told
			_, url, _ := serveWith(t, reasons.options(), func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "request header is bad", 400) })
			conn := dial(t, url)
			send(t, conn, preface+frame(settingsFrame, 0, 0, "")+c.frames)
			answered, reset := false, false
			for !reset && (len(c.want) > 0 || !answered) {
				kind, _, err := read(conn)
				if err != nil {
					t.Fatal(err)
				}
				answered, reset = answered || kind == dataFrame, kind == rstFrame || kind == dataFrame && name == "431"
			}
			if answered == (name == "no path") {
				t.Errorf("answered: %v", answered)
			}
			reasons.has(t, c.want...)
		})
	}
}

// Fields that are not complete within HeaderTimeout end the connection, and frames that are not complete too.
func TestSlowFields(t *testing.T) {
	for name, text := range map[string]string{"CONTINUATION is to come": frame(headersFrame, endStream, 1, get), "a payload is to come": frame(headersFrame, endHeaders|endStream, 1, get)[:12]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var reasons told
			o := reasons.options()
			o.HeaderTimeout = 2 * time.Second // longer than a busy machine stands still before the fields begin
			_, url, _ := serveWith(t, o, func(http.ResponseWriter, *http.Request) { t.Error("a request") })
			c := dial(t, url)
			send(t, c, preface+frame(settingsFrame, 0, 0, "")+text)
			if !toEnd(c) {
				t.Error("it stays open")
			}
			reasons.has(t, "header_timeout")
		})
	}
}

// A client that never opens its window gets a stream reset while its handler writes, and loses its connection when the rest of an
// answer waits whose handler has returned.
func TestShutWindows(t *testing.T) {
	shut := preface + frame(settingsFrame, 0, 0, "\x00\x04\x00\x00\x00\x00") // the window of streams is 0
	request := frame(headersFrame, endStream|endHeaders, 1, get)
	pace := func() *httpx.Pace { return &httpx.Pace{Silence: 200 * time.Millisecond} }
	t.Run("a handler that writes", func(t *testing.T) {
		t.Parallel()
		failed := make(chan error, 1)
		_, url, _ := serveWith(t, Options{Pace: pace}, func(w http.ResponseWriter, _ *http.Request) {
			_, err := w.Write(make([]byte, 1<<20))
			failed <- err
		})
		c := dial(t, url)
		send(t, c, shut+request)
		for kind := byte(0); kind != rstFrame; {
			var err error
			if kind, _, err = read(c); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-failed; err == nil {
			t.Error("the handler has written everything")
		}
	})
	t.Run("a handler that has returned", func(t *testing.T) {
		t.Parallel()
		_, url, _ := serveWith(t, Options{Pace: pace}, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
		c := dial(t, url)
		send(t, c, shut+request)
		for kind := byte(0); kind != rstFrame; {
			var err error
			if kind, _, err = read(c); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("of the connection", func(t *testing.T) {
		t.Parallel()
		var reasons told
		o := reasons.options()
		o.Pace = pace
		_, url, _ := serveWith(t, o, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 3000)) })
		c := dial(t, url)
		var all strings.Builder
		all.WriteString(preface + frame(settingsFrame, 0, 0, "\x00\x04\x00\x10\x00\x00")) // that of streams is wide
		for i := range uint32(30) {                                                       // 90000 bytes, and 65535 are open
			all.WriteString(frame(headersFrame, endStream|endHeaders, 2*i+1, get))
		}
		send(t, c, all.String())
		if !toEnd(c) {
			t.Error("it stays open")
		}
		reasons.has(t, "send_timeout")
	})
}

// Go's client, which opens both windows for each 4 KiB that it reads, downloads much at once on one connection.
func TestDownloadsAreNoFlood(t *testing.T) {
	t.Parallel()
	var reasons told
	const size = 10 << 20
	_, url, client := serveWith(t, reasons.options(), func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, size))
	})
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			answer, err := client.Get(url)
			if err != nil {
				t.Error(err)
				return
			}
			defer answer.Body.Close()
			if n, err := io.Copy(io.Discard, answer.Body); n != size || err != nil {
				t.Errorf("%d bytes, %v", n, err)
			}
		})
	}
	all.Wait()
	reasons.has(t)
}
