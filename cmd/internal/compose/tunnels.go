package compose

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/listen"
	"github.com/standpipe/standpipe/bridge/logtext"
)

// Tunnels are the upgraded connections that are open, the oldest first.
func (l *Listeners) Tunnels() []listen.Tunnel { return l.group.Tunnels() }

// Connections counts the connections that are open.
func (l *Listeners) Connections() int { return l.group.Connections() }

const (
	// tunnelsEnd is how long the handlers of closed tunnels may take to end while requests run, which are cut next.
	tunnelsEnd = 200 * time.Millisecond
	// tunnelsAlone is that time when only tunnels were open: on a busy machine a handler needs longer, and no request is cut.
	tunnelsAlone = time.Second
	// maxNamed is how many tunnels a record names.
	maxNamed = 10
	// maxNamedTarget bounds a target in it, in bytes.
	maxNamedTarget = 100
)

// endTunnels closes the upgraded connections, because the time for requests is over; err is how that ended. It returns
// nil when nothing is open any more.
func (l *Listeners) endTunnels(err error) error {
	if err == nil {
		return nil
	}
	open := l.Connections()
	ended := l.group.EndTunnels()
	if len(ended) == 0 {
		return err
	}
	limit := tunnelsEnd
	if open == len(ended) {
		limit = tunnelsAlone
	}
	l.log.Info("tunnels_closed", "tunnels", len(ended), "closed", named(ended))
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if l.shutdown(ctx) == nil {
		return nil
	}
	return err
}

// named lists tunnels for a record, with their ages.
func named(list []listen.Tunnel) string {
	var b strings.Builder
	for i, t := range list {
		if i == maxNamed {
			fmt.Fprintf(&b, "; and %d more", len(list)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "id=%s %s %s %.1fs", t.ID, logtext.Cut(t.Method, logtext.Word), logtext.Cut(t.Target, maxNamedTarget), time.Since(t.Began).Seconds())
	}
	return b.String()
}
