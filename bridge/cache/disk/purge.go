package disk

import (
	"bytes"
	"context"
	"time"

	"github.com/standpipe/standpipe/bridge/cache"
)

// mostPurges bounds the purges that are remembered.
const mostPurges = 1024

// purgeMemory is how long a purge is remembered for Answers that are being stored.
const purgeMemory = 10 * time.Minute

// purges are those of late, the oldest first: Answers that were not known yet when they came are
// compared with them.
type purges struct{ list []cache.Purge }

// add remembers p. all: some files are not known, so that no purge may be forgotten.
func (l *purges) add(p cache.Purge, all bool) {
	if !all {
		n := 0
		for n < len(l.list) && p.At.Sub(l.list[n].At) > purgeMemory {
			n++
		}
		l.list = l.list[n:]
	}
	switch {
	case len(l.list) < mostPurges:
	case all: // too many: everything goes
		p = cache.Purge{All: true, At: p.At}
		l.list = nil
	default:
		l.list = l.list[1:]
	}
	l.list = append(l.list, p)
}

// fate is what the purges make of an Answer: nil, or what is to be done.
func (l *purges) fate(a *cache.Answer) *cache.Purge {
	var soft *cache.Purge
	for i := range l.list {
		p := &l.list[i]
		if !before(a, p.At) || !p.Matches(a.App, a.URL, a.Groups) {
			continue
		}
		if !p.Soft {
			return p
		}
		soft = p
	}
	return soft
}

// before reports whether an Answer is older than a purge: whether the app was asked for it before, or,
// where that is not known, whether it came before.
func before(a *cache.Answer, at time.Time) bool {
	if !a.Began.IsZero() {
		return !a.Began.After(at)
	}
	return cache.Older(a.Terms.At, at)
}

// valid compares an Answer that has come to be known with the purges of late. A soft one makes it
// stale, here and in its file. not valid: it was purged.
func (t *Tier) valid(f *folder, n name, a **cache.Answer) bool {
	p := t.known.fate(*a)
	switch {
	case p == nil:
		return true
	case !p.Soft:
		return false
	}
	stale := (*a).Staled(p.At)
	was, _ := (*a).Append(nil)
	now, err := stale.Append(nil)
	*a = stale
	return err == nil && (bytes.Equal(was, now) || t.soften(f, n, p))
}

// soften makes a file stale; not: it must be removed.
func (t *Tier) soften(f *folder, n name, p *cache.Purge) bool {
	done, err := t.rewrite(f, n, func(_ *contents, a *cache.Answer) *cache.Answer {
		if !before(a, p.At) {
			return nil
		}
		return a.Staled(p.At)
	})
	return done && err == nil
}

// Purge is cache.Tier's. Files that were not read yet are compared with p when they are; they are not
// counted.
func (t *Tier) Purge(ctx context.Context, p cache.Purge) (n int, err error) {
	if err := p.Check(); err != nil {
		return 0, err
	}
	if p.At.IsZero() {
		p.At = time.Now()
	}
	f := t.folder.Load()
	t.known.remember(p)
	if f == nil {
		return 0, nil
	}
	q := newQuery(t.known.seed, &p)
	for _, name := range t.known.candidates(q) {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		purged, failed := t.purge(f, name, q)
		if purged {
			n++
		}
		if failed != nil {
			err = failed
		}
	}
	return n, err
}

// purge does what q says with one file, if q means it.
func (t *Tier) purge(f *folder, n name, q *query) (purged bool, err error) {
	may, certain := t.known.fits(q, n)
	if may && !certain {
		file, _, a, err := readFile(f, n)
		if err != nil {
			return false, nil // it is gone, or will be found damaged
		}
		file.Close()
		may = q.Matches(a.App, a.URL, a.Groups)
	}
	if !may || q.Soft && t.soften(f, n, q.Purge) {
		return may, nil
	}
	t.unsynced[n.shard()].Store(true)
	return t.drop(f, n, func(e *entry) bool { return cache.Older(time.Unix(0, e.at), q.At) })
}
