package cachestore

import (
	"errors"

	"github.com/standpipe/standpipe/bridge/cache"
)

// errReply: the server has answered what the scripts never do.
var errReply = errors.New("an unexpected answer of the server")

// loaded is the answer of loadScript.
type loaded struct {
	last, floor id
	wide        [][]byte // nil: those that were known
	damaged     int64
	values      []stored
}

// stored is one variant.
type stored struct {
	variant, meta string
	soft          id
	value         []byte
}

func parseLoad(v []any) (r loaded, err error) {
	if len(v) < 4 {
		return r, errReply
	}
	var ok, also bool
	r.last, ok = idOf(v[0])
	r.floor, also = idOf(v[1])
	r.damaged, _ = v[3].(int64)
	if !ok || !also {
		return r, errReply
	}
	if v[2] != nil {
		if r.wide, ok = texts(v[2]); !ok {
			return r, errReply
		}
	}
	for _, e := range v[4:] {
		t, ok := texts4(e)
		if !ok {
			return r, errReply
		}
		soft, _, ok := parseID(t[2])
		if !ok {
			return r, errReply
		}
		r.values = append(r.values, stored{string(t[0]), string(t[1]), soft, t[3]})
	}
	return r, nil
}

// read decodes it: an Answer, and the last purge when it was asked for.
func (e *stored) read(k cache.Key) (a *cache.Answer, began id, err error) {
	if a, err = decode(k, e.value); err != nil {
		return nil, 0, err
	}
	began, _, ok := parseID([]byte(e.meta))
	if !ok || variant(a) != e.variant {
		return nil, 0, errValue
	}
	if m, ok := meta(a, began); !ok || m != e.meta { // purges go by the meta
		return nil, 0, errValue
	}
	return a, began, nil
}

// parseSince reads the answer of sinceScript.
func parseSince(v []any) (last id, lost bool, oldest id, entries [][]byte, err error) {
	if len(v) != 4 {
		return 0, false, 0, nil, errReply
	}
	last, ok := idOf(v[0])
	n, number := v[1].(int64)
	oldest, also := idOf(v[2])
	entries, list := texts(v[3])
	if !ok || !number || !also || !list {
		return 0, false, 0, nil, errReply
	}
	return last, n != 0, oldest, entries, nil
}

func idOf(v any) (id, bool) {
	b, _ := v.([]byte)
	i, rest, ok := parseID(b)
	return i, ok && len(rest) == 0
}

func texts(v any) ([][]byte, bool) {
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	out := make([][]byte, len(list))
	for i, e := range list {
		if out[i], ok = e.([]byte); !ok {
			return nil, false
		}
	}
	return out, true
}

// texts4 is texts with a list of four.
func texts4(v any) ([][]byte, bool) {
	out, ok := texts(v)
	return out, ok && len(out) == 4
}
