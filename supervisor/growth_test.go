package supervisor

import (
	"fmt"
	"testing"

	"github.com/standpipe/standpipe/shim"
)

func TestGrowth(t *testing.T) {
	var g growth
	g.begin(100)
	size := int64(100)
	for _, c := range []struct {
		target string
		by     int64
	}{{"/a?x=1", 5}, {"/b", 50}, {"/a?x=2", 7}, {"/c", -20}, {"/d", 0}} {
		size += c.by
		g.after(shim.Label{Method: "GET", Target: c.target}, size)
	}
	g.after(shim.Label{Method: "GET", Target: "/gone"}, 0) // its size could not be read
	by, list := g.most(size)
	if by != 42 || fmt.Sprint(list) != "[{GET /b 1 50} {GET /a 2 12}]" {
		t.Errorf("%d %v", by, list)
	}
	for i := range 2 * growthKinds {
		size++
		g.after(shim.Label{Method: "GET", Target: fmt.Sprint("/", i)}, size)
	}
	if len(g.grew) != growthKinds {
		t.Errorf("%d kinds", len(g.grew))
	}
	if _, list = g.most(size); len(list) != growthTold || list[0].Request != "others" {
		t.Errorf("%v", list)
	}
}
