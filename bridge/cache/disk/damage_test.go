//go:build unix

package disk

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/bridge/content"
)

// Whatever has happened to a file, no wrong byte is served: it is a miss, and removed, or only the beginning goes out.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	flip := func(from, to int) func(p []byte) []byte { // offsets; negative: from the end
		return func(p []byte) []byte {
			at := func(i int) int {
				if i < 0 {
					i += len(p)
				}
				return i
			}
			p[at(from)+rand.IntN(at(to)-at(from))] ^= 1 << rand.IntN(8)
			return p
		}
	}
	const large = 5*blockLen + 100
	for _, size := range []int{0, 700, blockLen, large} {
		tail := placeFor(encoded(t, size))*2 + footLen + 4*blocks(int64(size))
		damages := map[string]func(p []byte) []byte{
			"footer":      flip(-footLen, -1),
			"empty":       func(p []byte) []byte { return nil },
			"cut by one":  func(p []byte) []byte { return p[:len(p)-1] },
			"cut in half": func(p []byte) []byte { return p[:len(p)/2] },
			"beginning":   func(p []byte) []byte { return p[1:] },
			"grown":       func(p []byte) []byte { return append(p, 0) },
			"twice":       func(p []byte) []byte { return append(p, p...) },
			"zeros":       func(p []byte) []byte { return make([]byte, len(p)) },
			"head":        flip(-int(tail)+int(4*blocks(int64(size)))+headFixed, -footLen-int(tail/2)-200),
			"holes": func(p []byte) []byte { // what a loss of power leaves
				clear(p[len(p)/4096*4096/2:])
				return p
			},
		}
		if size > 0 {
			damages["body"] = flip(0, size)
			damages["first block"] = flip(0, min(size, blockLen))
			damages["sums"] = flip(size, size+4)
			damages["a byte less in the body"] = func(p []byte) []byte { return slices.Delete(p, size/2, size/2+1) }
		}
		if size > blockLen {
			damages["last block"] = flip(size-50, size)
			damages["two blocks swapped"] = func(p []byte) []byte {
				q := slices.Clone(p[:blockLen])
				copy(p, p[blockLen:2*blockLen])
				copy(p[blockLen:], q)
				return p
			}
		}
		for what, damage := range damages {
			g := newRig(t, Options{})
			g.save(answerOf(1, 1, size))
			path := g.path(1)
			for _, running := range []bool{true, false} {
				if running && strings.Contains(what, "block") || running && what == "body" {
					continue // what this process has written is trusted
				}
				if !running {
					g.Close()
				}
				p := read(t, path)
				write(t, path, damage(p))
				if !running {
					g = newRig(t, g.o)
				}
				if first, again := g.has(1, 1, size), g.has(1, 1, size); first || again {
					t.Errorf("%d bytes, %s, running %v: it was served", size, what, running)
				}
				if _, err := os.Stat(path); err == nil {
					t.Errorf("%d bytes, %s, running %v: the file is still there", size, what, running)
				}
				if s := g.Stats(); s.Damaged != 1 || s.Files != 0 || g.records("cache_file_damaged") != 1 {
					t.Errorf("%d bytes, %s, running %v: %+v\n%s", size, what, running, s, g.log)
				}
				if running {
					g = g.again()
					g.save(answerOf(1, 1, size))
				}
			}
			g.Close()
		}
	}
}

// encoded is the length of an encoded answer of size bytes.
func encoded(t *testing.T, size int) int {
	p, err := answerOf(1, 1, size).Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return len(p)
}

// The beginning of a damaged body is the most that goes out, and that only where it was verified.
func TestDamagedLate(t *testing.T) {
	t.Parallel()
	const size = 5*blockLen + 100
	g := newRig(t, Options{})
	g.save(answerOf(1, 1, size))
	g.Close()
	p := read(t, g.path(1))
	p[3*blockLen+7] ^= 1
	write(t, g.path(1), p)
	g = newRig(t, g.o)
	two := [2]*cache.Answer{g.load(1)[0], g.load(1)[0]}
	var d destination
	n, err := two[0].Body.SendTo(&d, content.Span{Start: 10, Length: size - 10})
	if n != 3*blockLen-10 || err == nil || !bytes.Equal(d.Bytes(), bytesOf(1, 1, size)[10:3*blockLen]) {
		t.Errorf("%d bytes, %v", n, err)
	}
	got, err := io.ReadAll(two[1].Body.NewReader()) // it has the file open still
	if err == nil || !bytes.Equal(got, bytesOf(1, 1, size)[:3*blockLen]) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	g.save(answerOf(1, 2, size)) // a good one is not removed for the sake of a reader of the old one
	if _, err := two[1].Body.SendTo(&d, content.Span{Start: 3 * blockLen, Length: 1}); err == nil {
		t.Error("the damaged block was sent")
	}
	if !g.has(1, 2, size) {
		t.Error("the good one is gone")
	}
}

// Files that have each other's names, or stand in for each other by links, are misses.
func TestSwappedFiles(t *testing.T) {
	t.Parallel()
	for _, size := range []int{500, 3 * blockLen} {
		g := newRig(t, Options{})
		g.save(answerOf(1, 1, size))
		g.save(answerOf(2, 1, size))
		g.save(answerOf(3, 1, size))
		one, two, three := g.path(1), g.path(2), g.path(3)
		g.Close()
		p, q := read(t, one), read(t, two)
		write(t, one, q)
		write(t, two, p)
		if err := os.Remove(three); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(one, three); err != nil {
			t.Fatal(err)
		}
		g = newRig(t, g.o)
		for i := range 4 {
			if len(g.load(i)) != 0 {
				t.Errorf("answer %d of %d bytes was served", i, size)
			}
		}
	}
}

// A folder of ours with anything in it: nothing of that is served, and nothing that has no name of ours is removed.
func TestGarbage(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cache")
	g := newRig(t, Options{Dir: dir})
	g.save(answerOf(1, 1, 5000))
	good := read(t, g.path(1))
	g.Close()
	r := rand.New(rand.NewPCG(1, 2))
	junk := func() []byte {
		p := make([]byte, r.IntN(20_000))
		for i := range p {
			p[i] = byte(r.Uint32())
		}
		if r.IntN(2) == 0 && len(p) > len(good) { // with a good end, or a footer alone
			n := len(good)
			if r.IntN(2) == 0 {
				n = footLen
			}
			copy(p[len(p)-n:], good[len(good)-n:])
		}
		return p
	}
	var kept []string
	put := func(name string, keep bool) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, path, junk())
		if keep {
			kept = append(kept, path)
		}
	}
	put("fe", true)
	mkfifo(t, filepath.Join(dir, "ff"))
	_ = os.Mkdir(filepath.Join(dir, "fd"), 0o700)
	mkfifo(t, filepath.Join(dir, "fd", name{key: [16]byte{0xfd}}.file()))
	for range 300 {
		var n name
		for i := range n.key {
			n.key[i] = byte(r.Uint32())
		}
		n.key[0] %= 0xfc
		n.vary[0] = byte(r.IntN(2))
		put(n.path(), false)
		put(shardName(n.shard()+1)+"/"+n.file(), true) // in another's sub-folder
	}
	put("readme.txt", true)
	put("07/readme.txt", true)
	put("07/"+strings.Repeat("0", 48), true)
	put("07/sub/"+tempPrefix+"x", true)
	put("zz/1", true)
	put(tempPrefix+"1", false)
	put("08/"+tempPrefix+"2", false)
	g = newRig(t, Options{Dir: dir})
	if !g.has(1, 1, 5000) {
		t.Error("the one good file is gone")
	}
	if s := g.Stats(); s.Files != 1 || s.Damaged != 300 || g.records("cache_file_damaged") != 1 {
		t.Errorf("%+v", s)
	}
	for _, path := range kept {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s is not there any more", path)
		}
	}
	if n := files(t, dir); len(n) != len(kept)+3 {
		t.Errorf("%d files, %d should stay", len(n), len(kept)+3)
	}
	for i := range 600 {
		g.save(answerOf(i, 1, 100)) // in the two that are no sub-folders nothing is stored
	}
}

// A folder that is not ours is neither used nor emptied.
func TestForeignFolder(t *testing.T) {
	t.Parallel()
	check := func(what, dir, word string) {
		t.Helper()
		before := fmt.Sprint(files(t, dir))
		g := openRig(t, Options{Dir: dir})
		g.until("a record", func() bool { return g.records("cache_dir_unusable") == 1 })
		if !strings.Contains(g.log.String(), word) {
			t.Errorf("%s: %s", what, g.log)
		}
		g.save(answerOf(1, 1, 100))
		if list, err := g.Load(context.Background(), keyOf(1)); len(list) != 0 || err != nil {
			t.Errorf("%s: %v %v", what, list, err)
		}
		if _, err := g.Create(); err == nil {
			t.Errorf("%s: a file was made", what)
		}
		if s := g.Stats(); s.State != "away" {
			t.Errorf("%s: %+v", what, s)
		}
		if now := fmt.Sprint(files(t, dir)); now != before {
			t.Errorf("%s: the files %s, before %s", what, now, before)
		}
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "mine"), nil)
	check("files of somebody", dir, markerName)
	dir = t.TempDir()
	write(t, filepath.Join(dir, markerName), []byte("something else"))
	check("another marker", dir, markerName)
	dir = t.TempDir()
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, markerName)); err != nil {
		t.Fatal(err)
	}
	check("a link as the marker", dir, markerName)
	dir = filepath.Join(t.TempDir(), "file")
	write(t, dir, []byte("x"))
	check("a file", dir, "not a directory")
	if os.Geteuid() == 0 {
		dir = t.TempDir()
		if err := os.Chown(dir, 12345, -1); err != nil {
			t.Fatal(err)
		}
		check("another user's", dir, "another user")
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(t.TempDir(), link); err != nil {
			t.Fatal(err)
		}
		if err := os.Lchown(link, 12345, -1); err != nil {
			t.Fatal(err)
		}
		check("another user's link", link, "another user")
	}
	// What a file system puts in its root is no stored answer, and a link of ours is fine.
	dir = t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	newRig(t, Options{Dir: link})
}

func mkfifo(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}

// The decoder of a file's end: whatever the bytes, it takes no more memory than there are, and a file that it accepts says the same
// when it is written again.
func FuzzFormat(f *testing.F) {
	for _, size := range []int{0, 10, blockLen + 3} {
		a := answerOf(1, 1, size)
		head, err := a.Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		foot := footer{key: a.Key, size: int64(size), place: placeFor(len(head))}
		body := bytesOf(1, 1, size)
		var sums []uint32
		for p := range slices.Chunk(body, blockLen) {
			sums = append(sums, sum(p))
		}
		f.Add(appendTail(body, &foot, sums, head), true)
	}
	f.Add([]byte{}, true)
	f.Fuzz(func(t *testing.T, p []byte, repair bool) {
		if repair && len(p) >= footLen { // so that what comes behind the checksum is reached
			foot := p[len(p)-footLen:]
			copy(foot, magic)
			le := sum(foot[:footSum])
			foot[footSum], foot[footSum+1], foot[footSum+2], foot[footSum+3] = byte(le), byte(le>>8), byte(le>>16), byte(le>>24)
		}
		r := bytes.NewReader(p)
		h, errHead := readHead(r, int64(len(p)))
		c, err := readContents(r, int64(len(p)))
		if err != nil {
			return
		}
		if errHead != nil || !bytes.Equal(h.head, c.head) || h.footer != c.footer {
			t.Fatalf("%v: %+v and %+v", errHead, h, c)
		}
		if c.body != nil {
			q := appendTail(slices.Clone(c.body), &c.footer, c.sums, c.head)
			d, err := readContents(bytes.NewReader(q), int64(len(q)))
			if err != nil || !bytes.Equal(d.head, c.head) || !bytes.Equal(d.body, c.body) {
				t.Fatalf("%v", err)
			}
		}
	})
}
