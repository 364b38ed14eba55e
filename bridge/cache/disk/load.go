package disk

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/bridge/spool"
)

// Load is cache.Tier's. A body of one block is read and verified; a larger one is verified while it
// is read first.
func (t *Tier) Load(ctx context.Context, k cache.Key) ([]*cache.Answer, error) {
	f := t.folder.Load()
	if f == nil {
		return nil, nil
	}
	var list []*cache.Answer
	for _, n := range t.known.variants(half(k)) {
		if ctx.Err() != nil {
			break
		}
		if a := t.load(f, k, n); a != nil {
			list = append(list, a)
		}
	}
	slices.SortStableFunc(list, func(a, b *cache.Answer) int { return b.Terms.At.Compare(a.Terms.At) })
	return list, nil
}

// load reads one file; nil: it is of no use.
func (t *Tier) load(f *folder, k cache.Key, n name) *cache.Answer {
	file, c, a, err := readFile(f, n)
	switch {
	case errors.Is(err, fs.ErrNotExist): // it was evicted at this moment, or somebody has removed it
		t.gone(f, n)
		return nil
	case err != nil:
		t.failed(n, [16]byte{}, err)
		return nil
	}
	now := time.Now()
	e := t.known.describe(n, a, c.length())
	if a.Key != k {
		file.Close()
		return nil
	}
	whole := t.known.fill(n, e, true) // before the purges are looked at: those that come from now on know it
	if e.keep < uint32(now.Unix()) || !t.valid(f, n, &a) {
		file.Close()
		_, _ = t.drop(f, n, func(now *entry) bool { return now.at == e.at })
		return nil
	}
	if c.body != nil || c.size == 0 {
		file.Close()
		a.Body = cache.BytesBody(c.body)
		return a
	}
	b := &body{t: t, name: n, id: c.id, file: file, size: c.size}
	if !whole {
		b.proof = t.known.proof(n, c.id, c.sums)
	}
	a.Body = cache.StoredBody(b, c.size)
	return a
}

// readFile reads and decodes a file, which it returns open.
func readFile(f *folder, n name) (file *os.File, c *contents, a *cache.Answer, err error) {
	file, length, err := f.open(n, os.O_RDONLY)
	if err != nil {
		return nil, nil, nil, err
	}
	if c, err = readContents(spool.DiskFile{File: file}, length); err == nil {
		a, err = c.answer(n)
	}
	if err != nil {
		file.Close()
		return nil, nil, nil, err
	}
	return file, c, a, nil
}

// answer decodes the head of a file with that name.
func (c *contents) answer(n name) (*cache.Answer, error) {
	a, err := cache.Decode(c.head)
	if err != nil {
		return nil, damaged(err.Error())
	}
	if a.Key != c.key || nameOf(a.Key, a.Vary) != n {
		return nil, damaged("it has the name of another one")
	}
	return a, nil
}

// length is that of the file.
func (f *footer) length() int64 { return f.size + f.tail() }

// failed is told that a file could not be read. One that is damaged, or on a bad part of the disk, is
// removed. id is that of the file, if it is known; the file with the name may be another one by now.
func (t *Tier) failed(n name, id [16]byte, err error) {
	f := t.folder.Load()
	if f == nil {
		return
	}
	if !errors.Is(err, errDamaged) && !badSector(err) {
		if t.broken.Allow("read", time.Now()) {
			t.o.Log.Warn("cache_file_unreadable", "path", f.full(n), "error", err)
		}
		return
	}
	lock := &t.byName[n.shard()]
	lock.Lock()
	defer lock.Unlock()
	if sound(f, n, id) {
		return
	}
	t.known.forget(n, nil)
	_ = f.remove(n)
	t.counts.damaged.Add(1)
	if t.broken.Allow("damaged", time.Now()) {
		t.o.Log.Warn("cache_file_damaged", "path", f.full(n), "error", err, "damaged", t.counts.damaged.Load())
	}
}

// sound reports whether the file with a name is another one than that which has failed: without an
// id, whether it can be read now, since its head may have been written meanwhile.
func sound(f *folder, n name, id [16]byte) bool {
	file, c, _, err := readFile(f, n)
	if err != nil {
		return false
	}
	file.Close()
	return c.id != id
}

// gone is told that a file has vanished.
func (t *Tier) gone(f *folder, n name) {
	lock := &t.byName[n.shard()]
	lock.Lock()
	defer lock.Unlock()
	if file, _, err := f.open(n, os.O_RDONLY); err == nil { // it was replaced
		file.Close()
		return
	}
	t.known.forget(n, nil)
}

// readHeadOf reads what is known of a file without its body. length is that of the file.
func readHeadOf(f *folder, n name) (a *cache.Answer, length int64, err error) {
	file, length, err := f.open(n, os.O_RDONLY)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	c, err := readHead(spool.DiskFile{File: file}, length)
	if err != nil {
		return nil, 0, err
	}
	a, err = c.answer(n)
	return a, length, err
}
