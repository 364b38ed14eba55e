package maintain

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/kept"
)

const (
	// MaxPage is the size of a page, in bytes: it is a part of a command.
	MaxPage = 32 << 10
	// MaxAllow is how many networks may be allowed.
	MaxAllow = 200
	maxApps  = 1000
	maxName  = 1000
	// maxWindow is the size of one in a list of another process, in bytes: its page, networks and names.
	maxWindow = 128 << 10
	// usualRetry is when clients are asked to come back where nobody has said it.
	usualRetry = 5 * time.Minute
)

// Window is one maintenance.
type Window struct {
	App        string         `json:"app,omitempty"`   // empty: the whole server
	Allow      []netip.Prefix `json:"allow,omitempty"` // clients that are served
	Page       []byte         `json:"page,omitempty"`  // nil: the error page of 503
	Type       string         `json:"type,omitempty"`  // media type of Page
	Since      time.Time      `json:"since"`
	Until      time.Time      `json:"until,omitzero"`                // zero: until it is ended
	RetryAfter float64        `json:"retry_after_seconds,omitempty"` // 0: the time until Until, or 5 minutes
}

func (m *Window) over(now time.Time) bool { return !m.Until.IsZero() && !now.Before(m.Until) }

// retry is when clients are asked to come back.
func (m *Window) retry(now time.Time) time.Duration {
	switch {
	case m.RetryAfter > 0:
		return time.Duration(m.RetryAfter * float64(time.Second))
	case !m.Until.IsZero():
		return m.Until.Sub(now)
	}
	return usualRetry
}

// allows reports whether a client is served.
func (m *Window) allows(client netip.Addr) bool {
	return client.IsValid() && slices.ContainsFunc(m.Allow, func(p netip.Prefix) bool { return p.Contains(client.Unmap().WithZone("")) })
}

// check finds values that no command can have made: a window may come from another process.
func (m *Window) check() error {
	switch {
	case len(m.Page) > MaxPage:
		return fmt.Errorf("the page has %d bytes; it may have %d", len(m.Page), MaxPage)
	case len(m.App) > maxName:
		return fmt.Errorf("the name of the app has %d bytes; it may have %d", len(m.App), maxName)
	case len(m.Allow) > MaxAllow:
		return fmt.Errorf("%d networks are allowed; at most %d may be", len(m.Allow), MaxAllow)
	case m.RetryAfter < 0 || m.RetryAfter > (10*365*24*time.Hour).Seconds():
		return errors.New("the time until clients come back is at most ten years")
	case strings.ContainsAny(m.Type, "\r\n\x00"):
		return errors.New("the media type is not one")
	}
	return nil
}

// List is what is under maintenance. It outlives reloads.
type List struct {
	log hclog.Logger
	now atomic.Pointer[map[string]*Window] // by app; it does not change; nil: nothing

	changing sync.Mutex
	version  uint64 // grows with each change
}

// NewList returns an empty List.
func NewList(log hclog.Logger) *List { return &List{log: log} }

// change replaces the map by a copy that do has changed.
func (l *List) change(do func(map[string]*Window)) {
	next := map[string]*Window{}
	if was := l.now.Load(); was != nil {
		for app, m := range *was {
			next[app] = m
		}
	}
	do(next)
	l.version++
	if len(next) == 0 {
		l.now.Store(nil)
		return
	}
	l.now.Store(&next)
}

// Begin begins a maintenance, or changes the one of the same app.
func (l *List) Begin(m Window) error {
	if err := l.add(m); err != nil {
		return err
	}
	l.log.Info("maintenance_on", m.pairs()...)
	return nil
}

func (l *List) add(m Window) error {
	if err := m.check(); err != nil {
		return err
	}
	l.changing.Lock()
	defer l.changing.Unlock()
	if was := l.now.Load(); was != nil && len(*was) >= maxApps {
		return fmt.Errorf("%d apps are under maintenance already", len(*was))
	}
	l.change(func(all map[string]*Window) { all[m.App] = &m })
	return nil
}

// pairs are those of a record.
func (m *Window) pairs() []any {
	pairs := []any{"app", m.App, "allow", fmt.Sprint(m.Allow)}
	if !m.Until.IsZero() {
		pairs = append(pairs, "until", m.Until.UTC().Format(time.RFC3339))
	}
	return pairs
}

// End ends that of an app, or (empty) of the server; false: there was none.
func (l *List) End(app string) bool { return l.end(app, "command", func(*Window) bool { return true }) }

// Sweep ends what is over. It is called about once a second.
func (l *List) Sweep(now time.Time) {
	if all := l.now.Load(); all != nil {
		for app := range *all {
			l.end(app, "time", func(m *Window) bool { return m.over(now) })
		}
	}
}

func (l *List) end(app, reason string, when func(*Window) bool) bool {
	l.changing.Lock()
	defer l.changing.Unlock()
	all := l.now.Load()
	if all == nil || (*all)[app] == nil || !when((*all)[app]) {
		return false
	}
	l.change(func(next map[string]*Window) { delete(next, app) })
	l.log.Info("maintenance_off", "app", app, "reason", reason)
	return true
}

// find is the maintenance of an app, or (empty) of the server; nil: there is none.
func (l *List) find(app string, now time.Time) *Window {
	all := l.now.Load()
	if all == nil {
		return nil
	}
	if m := (*all)[app]; m != nil && !m.over(now) {
		return m
	}
	return nil
}

// All are those that are not over, by app.
func (l *List) All(now time.Time) []Window {
	list := []Window{}
	if all := l.now.Load(); all != nil {
		for _, m := range *all {
			if !m.over(now) {
				list = append(list, *m)
			}
		}
	}
	slices.SortFunc(list, func(a, b Window) int { return strings.Compare(a.App, b.App) })
	return list
}

// Version grows with each change.
func (l *List) Version() uint64 {
	l.changing.Lock()
	defer l.changing.Unlock()
	return l.version
}

// Encode writes the list for another process, which Restore reads.
func (l *List) Encode(now time.Time) ([]byte, error) { return json.Marshal(l.All(now)) }

// Restore adds what Encode has written, and warns of each maintenance that goes on: the person who began it may have gone.
// The bytes are of a file, which may be broken.
func (l *List) Restore(b []byte, now time.Time) error {
	return kept.Each(b, maxApps, maxWindow, func(m Window) error {
		if m.over(now) {
			return nil
		}
		if m.Since.After(now) {
			m.Since = now
		}
		if err := l.add(m); err != nil {
			return err
		}
		what, end := "the server", "standpipe maintenance off"
		if m.App != "" {
			what, end = "app "+m.App, end+" --app "+m.App
		}
		l.log.Warn("maintenance_kept", append(m.pairs(), "since", m.Since.UTC().Format(time.RFC3339),
			"message", what+" is under maintenance since before this start, and clients get 503: "+end+" ends it")...)
		return nil
	})
}
