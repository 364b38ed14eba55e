package disk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/content"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// rig is a Tier in a folder of the test.
type rig struct {
	*Tier
	t   *testing.T
	log *bridgetest.Log
}

func openRig(t *testing.T, o Options) *rig {
	t.Helper()
	g := &rig{t: t, log: &bridgetest.Log{}}
	if o.Dir == "" {
		o.Dir = filepath.Join(t.TempDir(), "cache")
	}
	if o.Size == 0 {
		o.Size = 1 << 30
	}
	if o.Files == 0 {
		o.Files = 1 << 20
	}
	o.Log = hclog.New(&hclog.LoggerOptions{Output: g.log, Level: hclog.Debug, JSONFormat: true})
	g.Tier = New(o)
	g.Start()
	t.Cleanup(func() { g.Close() })
	return g
}

// started is a Tier whose keeper runs.
func started(o Options) *Tier {
	t := New(o)
	t.Start()
	return t
}

// newRig returns one that has read its folder.
func newRig(t *testing.T, o Options) *rig {
	t.Helper()
	g := openRig(t, o)
	g.until("the folder to be read", func() bool { return g.known.complete.Load() })
	return g
}

// again closes the Tier, and opens another one of the same folder.
func (g *rig) again() *rig {
	g.t.Helper()
	g.Close()
	return newRig(g.t, g.o)
}

func (g *rig) until(what string, ok func() bool) {
	g.t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			g.t.Fatalf("waited for %s; the log:\n%s", what, g.log)
		}
	}
}

func (g *rig) records(event string) int {
	return strings.Count(g.log.String(), `"@message":"`+event+`"`)
}

// bytesOf are the bytes of the body of an answer: each depends on the answer, its version and its place.
func bytesOf(i, version, size int) []byte {
	p := make([]byte, (size+7)&^7)
	for off := 0; off < len(p); off += 8 {
		z := uint64(i)<<40 + uint64(version)<<32 + uint64(off) + 0x9e3779b97f4a7c15
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		binary.LittleEndian.PutUint64(p[off:], z^z>>31)
	}
	return p[:size]
}

func keyOf(i int) cache.Key { return sha256.Sum256([]byte("key " + strconv.Itoa(i))) }

func urlOf(i int) string { return "https://shop.example/pages/" + strconv.Itoa(i) }

// answerOf is an answer whose body is bytesOf the same.
func answerOf(i, version, size int) *cache.Answer {
	return &cache.Answer{
		Key: keyOf(i), App: "shop", URL: urlOf(i), Status: 200,
		Fields: []httpx.Field{{Name: "Content-Type", Value: "text/plain"}, {Name: "X-Version", Value: fmt.Sprint(version, " ", size)}},
		Terms:  rules.Terms{Status: 200, At: time.Now(), Lifetime: time.Hour},
		Body:   cache.BytesBody(bytesOf(i, version, size)),
	}
}

func (g *rig) save(a *cache.Answer) {
	g.t.Helper()
	if err := g.Save(context.Background(), a); err != nil {
		g.t.Fatal(err)
	}
}

func (g *rig) load(i int) []*cache.Answer {
	g.t.Helper()
	list, err := g.Load(context.Background(), keyOf(i))
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() {
		for _, a := range list {
			a.Body.Close()
		}
	})
	return list
}

// has reports whether the answer is there, with that version and its bytes. A wrong byte is a failure.
func (g *rig) has(i, version, size int) bool {
	g.t.Helper()
	list := g.load(i)
	if len(list) == 0 {
		return false
	}
	defer list[0].Body.Close()
	if v := list[0].Header().Get("X-Version"); v != fmt.Sprint(version, " ", size) {
		g.t.Fatalf("answer %d: version %s instead of %d", i, v, version)
	}
	return g.sends(list[0], bytesOf(i, version, size))
}

// sends reports whether the whole body goes out. Wrong bytes are a failure.
func (g *rig) sends(a *cache.Answer, want []byte) bool {
	g.t.Helper()
	if a.Body.Size() != int64(len(want)) {
		g.t.Fatalf("%s: %d bytes instead of %d", a.URL, a.Body.Size(), len(want))
	}
	var d destination
	n, err := a.Body.SendTo(&d, content.Span{Length: a.Body.Size()})
	if n != int64(d.Len()) || !bytes.HasPrefix(want, d.Bytes()) {
		g.t.Fatalf("%s: %d bytes were sent, %d said; a wrong one, or %v", a.URL, d.Len(), n, err)
	}
	return err == nil && d.Len() == len(want)
}

// destination counts what comes from a file, and what from memory.
type destination struct {
	bytes.Buffer
	file, memory int64
}

func (d *destination) ReadFrom(r io.Reader) (int64, error) {
	if l, ok := r.(*io.LimitedReader); ok {
		if _, ok := l.R.(*os.File); ok {
			n, err := d.Buffer.ReadFrom(r)
			d.file += n
			return n, err
		}
	}
	return d.Buffer.ReadFrom(r)
}

func (d *destination) Write(p []byte) (int, error) {
	d.memory += int64(len(p))
	return d.Buffer.Write(p)
}

// path is that of the one file of an answer.
func (g *rig) path(i int) string {
	g.t.Helper()
	k := keyOf(i)
	n := name{key: half(k)}
	found, _ := filepath.Glob(filepath.Join(g.o.Dir, shardName(n.shard()), n.file()[:32]+"-*"))
	if len(found) != 1 {
		g.t.Fatalf("answer %d has the files %q", i, found)
	}
	return found[0]
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	p, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func write(t *testing.T, path string, p []byte) {
	t.Helper()
	if err := os.WriteFile(path, p, 0o600); err != nil {
		t.Fatal(err)
	}
}

// files are the paths of all files below dir but the marker.
func files(t *testing.T, dir string) (list []string) {
	t.Helper()
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != markerName {
			list = append(list, path)
		}
		return nil
	})
	return list
}
