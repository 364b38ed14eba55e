package wsgi

import "github.com/standpipe/standpipe/bridge/body"

// takeBody reads the whole request body before a worker is taken, so that a slow client
// holds none, unless the app wants it as it comes. Refusals come before the first read.
func (t *turn) takeBody() error {
	t.body.Begin(t.w, t.r, body.Options{Max: t.MaxBody, Pace: t.BodyPace, Spool: t.Spool})
	if !t.body.Present() {
		return nil
	}
	if err := t.body.Check(); err != nil {
		return err
	}
	if t.Unbuffered {
		t.stream = true // Acquire comes first, and refuses
		return nil
	}
	if err := t.Pool.Admit(); err != nil {
		return err
	}
	return t.body.Buffer()
}
