package supervisor

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/standpipe/standpipe/shim"
)

// growth notes by how much which requests make a worker larger, where MaxRSS bounds its size: that a worker was too large does
// not help the developer who has to fix it. The size is read after each request, which takes some microseconds; without MaxRSS
// nothing is read.
type growth struct {
	mu     sync.Mutex
	first  int64 // its size when it became ready; 0: not known yet
	last   int64
	grew   map[string]Grown // by method and path
	others Grown            // the kinds beyond growthKinds
}

// Grown is by how much requests of one kind made a worker larger, in all.
type Grown struct {
	Request string // "GET /export": without the query
	Count   int64
	Bytes   int64
}

const (
	growthKinds = 256 // the first kinds of requests, which are counted each on its own
	growthTold  = 5
	growthPath  = 256 // bytes of a path
)

// begin notes the size of a worker that is ready.
func (g *growth) begin(size int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.first == 0 {
		g.first, g.last = size, size
	}
}

// after notes its size after a request. Of several that run at a time, the one that
// ends first after the growth is taken for its cause.
func (g *growth) after(l shim.Label, size int64) {
	if size == 0 {
		return
	}
	path, _, _ := strings.Cut(l.Target, "?")
	kind := l.Method + " " + path[:min(len(path), growthPath)]
	g.mu.Lock()
	defer g.mu.Unlock()
	by := size - g.last
	g.last = size
	if g.first == 0 {
		g.first, by = size, 0
	}
	at, known := g.grew[kind]
	if !known && len(g.grew) == growthKinds {
		g.others.Count++
		g.others.Bytes += by
		return
	}
	if g.grew == nil {
		g.grew = map[string]Grown{}
	}
	g.grew[kind] = Grown{kind, at.Count + 1, at.Bytes + by}
}

// most returns the growth since the worker was ready, and the requests that grew it most.
func (g *growth) most(size int64) (by int64, list []Grown) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.first > 0 {
		by = size - g.first
	}
	for _, k := range g.grew {
		if k.Bytes > 0 {
			list = append(list, k)
		}
	}
	if o := g.others; o.Bytes > 0 {
		o.Request = "others"
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b Grown) int { return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Request, b.Request)) })
	return by, list[:min(len(list), growthTold)]
}
