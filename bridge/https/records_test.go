package https

import (
	"math/rand/v2"
	"testing"
)

// However records are cut, clean says whether bytes behind the first record that ends were read.
func TestRecords(t *testing.T) {
	record := func(n int) []byte { return append([]byte{23, 3, 3, byte(n >> 8), byte(n)}, make([]byte, n)...) }
	for _, c := range []struct {
		reads []int // of the stream below
		clean bool  // after the last one
	}{
		{[]int{15}, true}, {[]int{3, 12}, true}, {[]int{5, 10}, true}, {[]int{1, 1, 1, 1, 11}, true}, // the first record has 15 bytes
		{[]int{4}, false}, {[]int{5}, false}, {[]int{14}, false}, // a part of it
		{[]int{16}, false}, {[]int{20}, false}, {[]int{15 + 5 + 300}, false}, // more than it
		{[]int{16, 304}, true}, {[]int{15, 305}, true}, {[]int{20, 300 + 5}, false},
	} {
		stream := append(append(record(10), record(300)...), record(0)...)
		var r records
		for _, n := range c.reads {
			r.read(stream[:n])
			stream = stream[n:]
		}
		if r.clean() != c.clean {
			t.Errorf("%v: %v", c.reads, r.clean())
		}
	}
	// At random: not clean after a part, whatever came before.
	for range 1000 {
		var stream []byte
		for range 5 {
			stream = append(stream, record(rand.IntN(700))...)
		}
		var r records
		for len(stream) > 1 {
			n := 1 + rand.IntN(len(stream)-1)
			r.read(stream[:n])
			if stream = stream[n:]; len(stream) > 0 && len(stream) < 5 && r.clean() {
				t.Fatal("clean within a record")
			}
		}
	}
}
