package disk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/content"
)

var sizes = []int{0, 1, 1000, blockLen - 1, blockLen, blockLen + 1, 3*blockLen + 5, 5 << 20}

// Answers come back with all that they have, before and after a start.
func TestSaveAndLoad(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{})
	for i, size := range sizes {
		g.save(answerOf(i, 1, size))
	}
	check := func() {
		t.Helper()
		for i, size := range sizes {
			if !g.has(i, 1, size) {
				t.Errorf("no answer of %d bytes", size)
			}
		}
		if len(g.load(99)) != 0 {
			t.Error("an answer that was never stored")
		}
	}
	check()
	if s := g.Stats(); s.State != "ready" || s.Files != int64(len(sizes)) || s.Bytes < 5<<20 || s.Bytes > 6<<20 {
		t.Errorf("%+v", s)
	}
	before := g.Stats()
	g = g.again()
	if s := g.Stats(); s != before {
		t.Errorf("%+v, before the start %+v", s, before)
	}
	check()
	a, want := g.load(2)[0], answerOf(2, 1, 1000)
	if a.App != want.App || a.URL != want.URL || a.Status != 200 || fmt.Sprint(a.Fields) != fmt.Sprint(want.Fields) || a.Terms.Lifetime != time.Hour {
		t.Errorf("%+v", a)
	}
	if err := g.Remove(context.Background(), keyOf(2)); err != nil || g.has(2, 1, 1000) {
		t.Error("it was not removed", err)
	}
	if n := len(files(t, g.o.Dir)); n != len(sizes)-1 {
		t.Errorf("%d files", n)
	}
}

// An answer replaces the one of the same Vary, and no other; the oldest of too many goes.
func TestVariants(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{})
	began := time.Now()
	variant := func(i, version int) *cache.Answer {
		a := answerOf(1, version, 100)
		a.Vary = []rules.Selector{{Name: "Accept-Language", Value: fmt.Sprint(i)}}
		a.Terms.At = began.Add(time.Duration(version) * time.Second)
		return a
	}
	for i := range mostVariants {
		g.save(variant(i, i))
	}
	g.save(variant(7, 100))
	g = g.again()
	list := g.load(1)
	if len(list) != mostVariants || list[0].Vary[0].Value != "7" || list[0].Header().Get("X-Version") != "100 100" || list[1].Vary[0].Value != "31" {
		t.Errorf("%d answers, the newest %+v", len(list), list[0])
	}
	for i := range 3 {
		g.save(variant(100+i, 200+i))
	}
	list = g.load(1)
	if last := list[len(list)-1]; len(list) != mostVariants || last.Vary[0].Value != "3" {
		t.Errorf("%d answers, the oldest %+v", len(list), last)
	}
	if n := len(files(t, g.o.Dir)); n != mostVariants {
		t.Errorf("%d files", n)
	}
}

// A body that was verified, and one that this process has written, goes out by sendfile(2); else it goes through memory, block by
// block.
func TestSendfile(t *testing.T) {
	t.Parallel()
	const size = 10*blockLen + 77
	g := newRig(t, Options{})
	want := bytesOf(1, 1, size)
	send := func(start, length int64) destination {
		t.Helper()
		var d destination
		a := g.load(1)[0]
		defer a.Body.Close()
		n, err := a.Body.SendTo(&d, content.Span{Start: start, Length: length})
		if err != nil || n != length || !bytes.Equal(d.Bytes(), want[start:start+length]) {
			t.Fatalf("%d bytes from %d on: %d, %v", length, start, n, err)
		}
		return d
	}
	g.save(answerOf(1, 1, size))
	if d := send(0, size); d.memory != 0 || d.file != size {
		t.Errorf("just written: %d bytes of memory, %d of the file", d.memory, d.file)
	}
	g = g.again()
	if d := send(2*blockLen-10, 20); d.memory != 20 || d.file != 0 {
		t.Errorf("a range: %d bytes of memory, %d of the file", d.memory, d.file)
	}
	if d := send(blockLen, 2*blockLen+1); d.memory != 1 || d.file != 2*blockLen {
		t.Errorf("a range of two blocks that were verified: %d bytes of memory, %d of the file", d.memory, d.file)
	}
	if d := send(0, size); d.memory != 7*blockLen+77 || d.file != size-d.memory {
		t.Errorf("the whole: %d bytes of memory, %d of the file", d.memory, d.file)
	}
	if d := send(5, size-10); d.memory != 0 {
		t.Errorf("again: %d bytes of memory", d.memory)
	}
	if len(g.known.proofs) != 0 {
		t.Errorf("%d proofs are left", len(g.known.proofs))
	}
}

// An answer with the body of a file and another head is a new head in this file.
func TestFreshen(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{})
	const size = 4 * blockLen
	g.save(answerOf(1, 1, size))
	first, err := os.Stat(g.path(1))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		old := g.load(1)[0]
		fresh := *old
		fresh.Terms.Lifetime += time.Hour
		g.save(&fresh)
		if a := g.load(1)[0]; a.Terms.Lifetime != fresh.Terms.Lifetime {
			t.Errorf("lifetime %v instead of %v", a.Terms.Lifetime, fresh.Terms.Lifetime)
		}
	}
	g = g.again()
	if a := g.load(1)[0]; a.Terms.Lifetime != 6*time.Hour || !g.sends(a, bytesOf(1, 1, size)) {
		t.Errorf("lifetime %v", a.Terms.Lifetime)
	}
	if now, err := os.Stat(g.path(1)); err != nil || !os.SameFile(first, now) {
		t.Error("another file", err)
	}
	// One that is too long for its place makes another file.
	fresh := *g.load(1)[0]
	fresh.Fields = append(fresh.Fields[:2:2], answerOf(1, 1, 1).Fields...)
	fresh.Fields[2].Value = string(bytes.Repeat([]byte("x"), 5000))
	g.save(&fresh)
	if now, err := os.Stat(g.path(1)); err != nil || os.SameFile(first, now) {
		t.Error("the same file", err)
	}
	g = g.again()
	if a := g.load(1)[0]; len(a.Fields) != 4 || !g.sends(a, bytesOf(1, 1, size)) {
		t.Errorf("%d fields", len(a.Fields))
	}
	// A new head that was written in part leaves the one before.
	write := g.load(1)[0]
	write.Terms.Lifetime = time.Minute
	g.save(write)
	path := g.path(1)
	p := read(t, path)
	f, err := parseFooter(p[len(p)-footLen:], int64(len(p)))
	if err != nil {
		t.Fatal(err)
	}
	_, _, current, err := f.newest(p[f.heads() : f.heads()+2*f.place])
	if err != nil {
		t.Fatal(err)
	}
	g.Close()
	p[f.heads()+int64(current)*f.place+100] ^= 1
	if err := os.WriteFile(path, p, 0o600); err != nil {
		t.Fatal(err)
	}
	g = newRig(t, g.o)
	if a := g.load(1); len(a) != 1 || a[0].Terms.Lifetime != 6*time.Hour {
		t.Errorf("%+v", a)
	}
}

// A file of Create becomes the file of its answer, and vanishes without one.
func TestCreate(t *testing.T) {
	t.Parallel()
	for _, named := range []bool{false, true} {
		t.Run(fmt.Sprint("named ", named), func(t *testing.T) {
			t.Parallel()
			g := newRig(t, Options{})
			if named {
				g.folder.Load().temp = func(*os.File) (*os.File, error) { return nil, errors.ErrUnsupported }
			}
			make := func(i, size int) *cache.Answer {
				f, err := g.Create()
				if err != nil {
					t.Fatal(err)
				}
				a := answerOf(i, 1, size)
				if _, err := f.Write(bytesOf(i, 1, size)); err != nil {
					t.Fatal(err)
				}
				a.Body = cache.FileBody(f, 0, int64(size))
				return a
			}
			a := make(1, 3*blockLen+1)
			f, _ := a.Body.File()
			was, err := f.Stat()
			if err != nil {
				t.Fatal(err)
			}
			g.save(a)
			if !g.sends(a, bytesOf(1, 1, 3*blockLen+1)) { // the first clients have it still
				t.Error("it is not sent")
			}
			a.Body.Close()
			if now, err := os.Stat(g.path(1)); err != nil || os.SameFile(was, now) == named {
				t.Errorf("the same file %v, %v", os.SameFile(was, now), err)
			}
			a = make(1, 100) // instead of it
			g.save(a)
			a.Body.Close()
			lost := make(2, 500)
			lost.Body.Close()
			if n := files(t, g.o.Dir); len(n) != 1 {
				t.Errorf("the files %q", n)
			}
			if g = g.again(); !g.has(1, 1, 100) || g.has(2, 1, 500) {
				t.Error("not what was stored")
			}
			if info, err := os.Stat(g.path(1)); err != nil || info.Mode().Perm() != fileMode {
				t.Error(info.Mode(), err)
			}
		})
	}
}

// The bounds of bytes and of files hold while answers come; those that are used stay, and a reader of one that went has its bytes.
func TestEviction(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{Size: 100 * 3 * blockLen}, {Files: 100}} {
		g := newRig(t, o)
		const size = 2*blockLen + 9
		g.save(answerOf(0, 1, size))
		g.save(answerOf(1, 1, size))
		reader := g.load(1)[0]
		bound := g.Stats().Bytes / 2 * 100
		if o.Size > 0 {
			bound = o.Size
		}
		for i := 2; i < 1000; i++ {
			if i%10 == 0 && !g.has(0, 1, size) {
				t.Fatalf("%+v: after %d answers the one that is used is gone", o, i)
			}
			g.save(answerOf(i, 1, size))
			if s := g.Stats(); s.Bytes > bound+bound/8 || o.Files > 0 && s.Files > int64(o.Files)+int64(o.Files)/8 {
				t.Fatalf("%+v", s)
			}
			g.until("room", func() bool { return g.Stats().Bytes <= bound })
		}
		var n int64
		g.until("the eviction", func() bool {
			n = int64(len(files(t, g.o.Dir)))
			s := g.Stats()
			return s.Evicted >= 850 && s.Bytes <= bound && s.Files == n
		})
		if n < 50 || n > 160 {
			t.Errorf("%d files, %+v", n, g.Stats())
		}
		if !g.sends(reader, bytesOf(1, 1, size)) {
			t.Error("a reader has lost its file")
		}
		for i := 2; i < 800; i++ {
			if len(g.load(i)) != 0 {
				t.Errorf("the answer %d, which was never used, is still there", i)
			}
		}
		g.Close()
	}
}

// Answers that are large beside the bound find room, too: the files below it leave too little for one more.
func TestEvictionOfLargeFiles(t *testing.T) {
	t.Parallel()
	const size = 2 * blockLen
	g := newRig(t, Options{Size: 7 * size / 2})
	for i := range 20 {
		g.until("the answer is stored", func() bool {
			g.save(answerOf(i, 1, size))
			return len(g.load(i)) == 1
		})
		if s := g.Stats(); s.Bytes > 4*size {
			t.Fatalf("%+v", s)
		}
	}
}

// An answer of no use any more goes: when it is asked for, in the search, and at a start.
func TestExpired(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{Stale: time.Hour})
	past := func(i int, ago time.Duration, change func(*rules.Terms)) {
		a := answerOf(i, 1, 100)
		a.Terms.At, a.Terms.Lifetime = time.Now().Add(-ago), time.Minute
		change(&a.Terms)
		g.save(a)
	}
	plain := func(*rules.Terms) {}
	fill := func() {
		past(1, 2*time.Hour, plain)
		past(2, 30*time.Minute, plain) // may be served stale
		past(3, 2*time.Hour, func(terms *rules.Terms) { terms.ETag = `"x"` })
		past(4, 2*time.Hour, func(terms *rules.Terms) { terms.StaleWhileRevalidate = 3 * time.Hour })
		past(5, 48*time.Hour, func(terms *rules.Terms) { terms.LastModified = "x" })
		past(6, 0, plain)
	}
	left := func() (list []int) {
		for i := 1; i <= 6; i++ {
			if len(g.load(i)) > 0 {
				list = append(list, i)
			}
		}
		return list
	}
	const want = "[2 3 4 6]"
	fill()
	if got := fmt.Sprint(left()); got != want || len(files(t, g.o.Dir)) != 4 {
		t.Errorf("asked for: %s", got)
	}
	fill()
	g.keeper.sweep(g.folder.Load(), time.Now())
	if s := g.Stats(); s.Files != 4 || fmt.Sprint(left()) != want {
		t.Errorf("searched: %+v", s)
	}
	fill()
	g = g.again()
	if s := g.Stats(); s.Files != 4 || fmt.Sprint(left()) != want {
		t.Errorf("at the start: %+v", s)
	}
}

// Only the user of the server may look at the files.
func TestPermissions(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "cache")
	if err := os.MkdirAll(dir, 0o755); err != nil { // as a service manager makes it
		t.Fatal(err)
	}
	g := newRig(t, Options{Dir: dir})
	g.save(answerOf(1, 1, 100))
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Dir(g.path(1)): 0o700, g.path(1): 0o600, filepath.Join(dir, markerName): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
}
