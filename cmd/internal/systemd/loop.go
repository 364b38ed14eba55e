package systemd

import (
	"context"
	"time"
)

// Watch has the questions that Loop asks.
type Watch struct {
	// Status is the line for STATUS.
	Status func() string
	// Healthy is called before each message to the watchdog; if it returns an error, the message
	// is not sent. It returns when ctx ends.
	Healthy func(ctx context.Context) error
	// Sick is called with the first of several errors in a row.
	Sick func(error)
}

// statusEvery is how often the status may change.
const statusEvery = time.Second

// Loop updates the status, extends the manager's timeout during a start, a reload and a
// stop, and feeds the watchdog at half of its time. It returns when ctx ends.
func (n *Notifier) Loop(ctx context.Context, w Watch) {
	if n == nil {
		return
	}
	status := time.NewTicker(statusEvery)
	defer status.Stop()
	extend := time.NewTicker(extendEvery)
	defer extend.Stop()
	var feed <-chan time.Time
	if n.watchdog > 0 {
		t := time.NewTicker(max(n.watchdog/2, time.Millisecond))
		defer t.Stop()
		feed = t.C
		n.feed(ctx, w, nil)
	}
	var sick error
	n.Status(w.Status())
	for {
		select {
		case <-ctx.Done():
			return
		case <-status.C:
			n.Status(w.Status())
		case <-extend.C:
			n.mu.Lock()
			if n.phases > 0 {
				n.send(extension())
			}
			n.mu.Unlock()
		case <-feed:
			sick = n.feed(ctx, w, sick)
		}
	}
}

// feed sends the keep-alive, or calls Sick with the reason why not.
func (n *Notifier) feed(ctx context.Context, w Watch, sick error) error {
	asked, cancel := context.WithTimeout(ctx, n.watchdog/2)
	defer cancel()
	err := w.Healthy(asked)
	if err != nil {
		if sick == nil && ctx.Err() == nil {
			w.Sick(err)
		}
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.send("WATCHDOG=1")
	return nil
}
