package disk

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"time"

	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/bridge/spool"
)

// Save is cache.Tier's. An error is the Answer's, or ctx's: the folder's have their own record.
func (t *Tier) Save(ctx context.Context, a *cache.Answer) error {
	f := t.folder.Load()
	if f == nil {
		return nil
	}
	if t.writes.refused(time.Now()) != nil {
		t.counts.dropped.Add(1)
		return nil
	}
	head, err := a.Append(nil)
	if err != nil {
		return err
	}
	s := &saving{t: t, f: f, a: a, name: nameOf(a.Key, a.Vary), head: head}
	s.foot = footer{key: a.Key, size: a.Body.Size(), place: placeFor(len(head))}
	_, _ = rand.Read(s.foot.id[:])
	if s.foot.place > maxPlace || s.foot.size > maxBody {
		t.counts.dropped.Add(1)
		return nil
	}
	if b, ok := a.Body.Stored().(*body); ok && b.t == t && b.name == s.name && s.freshen(b) {
		return nil
	}
	units := (s.foot.length() + unit - 1) / unit
	ok, full := t.known.reserve(units)
	if full {
		if !ok && t.known.fitsOnce(units) { // the files are below their bound, and this one is larger than what is left: the next one like it finds room
			t.squeezed.Store(units)
		}
		t.keeper.poke()
	}
	if !ok {
		t.counts.dropped.Add(1)
		return nil
	}
	defer t.known.pending.Add(-units)
	err = s.write(ctx)
	if errors.Is(err, errSource) || ctx.Err() != nil {
		t.counts.dropped.Add(1)
		return err
	}
	t.wrote(err, units)
	return nil
}

// saving is one file that is written.
type saving struct {
	t    *Tier
	f    *folder
	a    *cache.Answer
	name name
	head []byte
	foot footer
}

// errSource: the Body could not be read.
var errSource = errors.New("the body cannot be read")

// write writes the file and gives it its name.
func (s *saving) write(ctx context.Context) error {
	if p, err := s.adopt(); p != nil || err != nil {
		if err == nil {
			err = s.fill(ctx, p, true)
		}
		var link *os.LinkError
		if !errors.As(err, &link) {
			return err // the file is the Body's, which closes it
		}
	}
	p, err := s.f.create(s.name.shard())
	if err != nil {
		return err
	}
	if err := s.fill(ctx, p, false); err != nil {
		s.f.discard(p)
		return err
	}
	return p.Close()
}

// fill writes the body, if it is not there, and all that follows it, and gives the file its name.
func (s *saving) fill(ctx context.Context, p *pending, there bool) error {
	sums, err := s.copy(ctx, p.File, there)
	if err != nil {
		return err
	}
	if err := writeAt(p.File, appendTail(nil, &s.foot, sums, s.head), s.foot.size); err != nil {
		return err
	}
	return s.commit(p)
}

// adopt returns the Body's own file, if it is one of Create and can get a name.
func (s *saving) adopt() (*pending, error) {
	file, off := s.a.Body.File()
	if file == nil || off != 0 || !unnamed(file, s.f.info) {
		return nil, nil
	}
	defer spool.Disk()()
	// Its sub-folder must be there.
	dir, err := s.f.subFolder(s.name.shard())
	if err != nil {
		return nil, err
	}
	dir.Close()
	return &pending{file, s.name.shard(), ""}, file.Truncate(s.foot.size)
}

// copy writes the body to file, where it is not there already, and returns the checksums of its blocks.
func (s *saving) copy(ctx context.Context, file *os.File, there bool) ([]uint32, error) {
	sums := make([]uint32, 0, blocks(s.foot.size))
	memory, inMemory := s.a.Body.Memory()
	buf := buffers.Get().(*[blockLen]byte)
	defer buffers.Put(buf)
	for off := int64(0); off < s.foot.size; off += blockLen {
		n := min(blockLen, s.foot.size-off)
		p := buf[:n]
		if inMemory {
			p = memory[off : off+n]
		} else if m, err := s.a.Body.ReadAt(p, off); int64(m) < n {
			if err == nil {
				err = io.ErrUnexpectedEOF
			}
			return nil, errors.Join(errSource, err)
		}
		sums = append(sums, sum(p))
		if there {
			continue
		}
		if err := writeAt(file, p, off); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return sums, nil
}

func writeAt(file *os.File, p []byte, off int64) error {
	defer spool.Disk()()
	_, err := file.WriteAt(p, off)
	return err
}

// commit gives the file its name, and puts it into the index.
func (s *saving) commit(p *pending) error {
	t := s.t
	lock := &t.byName[s.name.shard()]
	lock.Lock()
	if err := s.f.commit(p, s.name); err != nil {
		lock.Unlock()
		return err
	}
	e := t.known.describe(s.name, s.a, s.foot.length())
	e.flags |= flagWhole // the system has what was written
	oldest, full := t.known.put(e)
	lock.Unlock()
	if full {
		t.keeper.poke()
	}
	if oldest != nil {
		_, _ = t.drop(s.f, *oldest, nil)
	}
	a := s.a
	if !t.valid(s.f, s.name, &a) { // it was purged meanwhile
		_, _ = t.drop(s.f, s.name, nil)
	}
	return nil
}

// freshen writes the head alone: the body is that of the file. It reports whether it has.
func (s *saving) freshen(b *body) bool {
	done, err := s.t.rewrite(s.f, s.name, func(c *contents, _ *cache.Answer) *cache.Answer {
		if c.id != b.id {
			return nil
		}
		return s.a
	})
	if err != nil && !errors.Is(err, errDamaged) {
		s.t.wrote(err, 0)
	}
	return done
}

// rewrite replaces the head of a file by that of the Answer which edit returns; nil: it stays. done:
// the file has this head now, or none was wanted; not: there is no room for it, or no such file.
func (t *Tier) rewrite(f *folder, n name, edit func(*contents, *cache.Answer) *cache.Answer) (done bool, err error) {
	lock := &t.byName[n.shard()]
	lock.Lock()
	defer lock.Unlock()
	file, length, err := f.open(n, os.O_RDWR)
	if err != nil {
		return false, err
	}
	defer file.Close()
	c, err := readContents(spool.DiskFile{File: file}, length)
	if err != nil {
		return false, err
	}
	old, err := c.answer(n)
	if err != nil {
		return false, err
	}
	a := edit(c, old)
	if a == nil {
		return false, nil
	}
	head, err := a.Append(nil)
	if err != nil || headFixed+int64(len(head)) > c.place {
		return false, err
	}
	// The place that does not count is written: the other one is valid, until this is whole.
	other := int64(1 - c.current)
	if err := writeAt(file, appendHead(nil, c.id, c.number+1, head), c.heads()+other*c.place); err != nil {
		return false, err
	}
	t.known.renew(t.known.describe(n, a, length))
	return true, nil
}
