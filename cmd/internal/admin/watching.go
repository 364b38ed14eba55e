package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxStreams = 16 // at the same time
	// The time between two events of a stream.
	shortestEvery = 200 * time.Millisecond
	usualEvery    = time.Second
	longestEvery  = time.Minute
	// sendTimeout is how long a client may take to read one event.
	sendTimeout = 10 * time.Second
	// freshTime is how long a Top serves all streams: making one reads /proc for each worker.
	freshTime = 100 * time.Millisecond
)

// watching serves those that look at the server all the time.
type watching struct {
	h       *Handler
	streams atomic.Int32

	mu   sync.Mutex
	last map[string]made // by app
}

// made is a Top as JSON, without a line feed at its end.
type made struct {
	at   time.Time
	json []byte
}

func newWatching(h *Handler) *watching { return &watching{h: h, last: map[string]made{}} }

func (s *watching) top(w http.ResponseWriter, r *http.Request) {
	b, err := s.encoded(r.URL.Query().Get("app"), 0) // it shows what a command before it has done
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(b[:len(b):len(b)], '\n')) // fails if the client has disconnected
}

// history is the last hour, or its last steps.
func (s *watching) history(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if _, err := s.h.pools(q.Get("app")); err != nil {
		fail(w, err)
		return
	}
	list := s.h.Monitor.History(q.Get("app"))
	if text := q.Get("last"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			fail(w, refuse(http.StatusBadRequest, "bad_number", errors.New("last is a number of steps, 1 or more")))
			return
		}
		list = list.Last(n)
	}
	answer(w, http.StatusOK, list)
}

// encoded is the Top of an app, or (empty) of all, as JSON; one that is younger than fresh is used again.
func (s *watching) encoded(app string, fresh time.Duration) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if m, ok := s.last[app]; ok && now.Sub(m.at) < fresh {
		return m.json, nil
	}
	t, err := s.make(app)
	if err != nil {
		delete(s.last, app)
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(t); err != nil {
		return nil, err
	}
	s.last[app] = made{now, bytes.TrimSuffix(b.Bytes(), []byte("\n"))}
	return s.last[app].json, nil
}

// make collects the Top of an app, or (empty) of all.
func (s *watching) make(app string) (*Top, error) {
	status, err := s.h.statusOf(app)
	if err != nil {
		return nil, err
	}
	return &Top{Status: *status, Figures: s.h.Monitor.Figures(app)}, nil
}

// stream sends a Top as an event at once, and then again and again. It ends with the client, or with the socket.
func (s *watching) stream(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	every, err := parseEvery(q.Get("every"))
	if err != nil {
		fail(w, err)
		return
	}
	if s.streams.Add(1) > maxStreams {
		s.streams.Add(-1)
		fail(w, refuse(http.StatusServiceUnavailable, "too_many_streams", fmt.Errorf("%d streams are open, and there are no more; close one", maxStreams)))
		return
	}
	defer s.streams.Add(-1)
	b, err := s.encoded(q.Get("app"), freshTime)
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	tick := time.NewTicker(every)
	defer tick.Stop()
	for rc := http.NewResponseController(w); ; {
		_ = rc.SetWriteDeadline(time.Now().Add(sendTimeout)) // fails for the recorder of a test
		if _, err := fmt.Fprintf(w, "event: top\ndata: %s\n\n", b); err != nil {
			return
		}
		if err := rc.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
		if b, err = s.encoded(q.Get("app"), freshTime); err != nil { // a reload has removed the app
			text, _ := json.Marshal(&Problem{Err: "no_such_app", Detail: err.Error()})
			_, _ = fmt.Fprintf(w, "event: problem\ndata: %s\n\n", text)
			return
		}
	}
}

// parseEvery reads the time between two events.
func parseEvery(text string) (time.Duration, error) {
	if text == "" {
		return usualEvery, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < shortestEvery || d > longestEvery {
		return 0, refuse(http.StatusBadRequest, "bad_duration", errors.New("every is a time from 200ms to 1m"))
	}
	return d, nil
}
