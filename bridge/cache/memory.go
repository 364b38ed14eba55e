package cache

import "github.com/maypok86/otter/v2"

// memory keeps Sets, with their bytes as weights.
type memory struct {
	sets *otter.Cache[Key, *Set]
}

// entryCost is what an Answer takes beside its fields and its body; bytes.
const entryCost = 512

func newMemory(most int64) *memory {
	return &memory{otter.Must(&otter.Options[Key, *Set]{
		MaximumWeight: uint64(max(most, 0)),
		Weigher:       func(_ Key, s *Set) uint32 { return s.weight() },
	})}
}

// weight is about how many bytes s takes.
func (s *Set) weight() uint32 {
	n := int64(0)
	for _, a := range s.list {
		n += entryCost + int64(len(a.URL))
		for _, f := range a.Fields {
			n += int64(len(f.Name) + len(f.Value))
		}
		if p, ok := a.Body.Memory(); ok {
			n += int64(len(p))
		}
	}
	return uint32(min(n, 1<<31))
}
