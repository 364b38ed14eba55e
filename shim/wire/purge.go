package wire

import "github.com/vmihailenco/msgpack/v5"

// Bounds of a Purge: how many URLs, prefixes and groups together, and the bytes of each.
const (
	MaxPurged    = 1024
	MaxPurgeText = 8192
)

// Purge is a worker's order to remove entries of the HTTP cache.
type Purge struct {
	URLs, Prefixes, Groups []string
	All                    bool // every entry of the app; the lists are empty then
	Soft                   bool // the entries become stale, and stay
}

// DecodePurge decodes a Purge's payload. What the URLs and the names of groups mean was not checked.
func DecodePurge(p []byte) (*Purge, error) {
	m := new(Purge)
	err := walkMap(p, func(w *walker, key string) (known bool, err error) {
		switch key {
		case "urls":
			m.URLs, err = w.purged()
		case "prefixes":
			m.Prefixes, err = w.purged()
		case "groups":
			m.Groups, err = w.purged()
		case "all":
			m.All, err = w.boolean()
		case "soft":
			m.Soft, err = w.boolean()
		default:
			return false, nil
		}
		return true, err
	})
	if err != nil {
		return nil, err
	}
	switch n := len(m.URLs) + len(m.Prefixes) + len(m.Groups); {
	case n > MaxPurged:
		return nil, Errorf(nil, "a Purge of %d URLs, prefixes and groups; at most %d", n, MaxPurged)
	case m.All && n > 0:
		return nil, Errorf(nil, "a Purge of everything, and of %d URLs, prefixes and groups", n)
	}
	return m, nil
}

// purged walks one of the lists of a Purge.
func (w *walker) purged() (list []string, err error) {
	list, err = w.texts(MaxPurged)
	for _, s := range list {
		if err == nil && (s == "" || len(s) > MaxPurgeText) {
			err = Errorf(nil, "a Purge of a text of %d bytes; it has 1 to %d", len(s), MaxPurgeText)
		}
	}
	return list, err
}

// AppendPurged appends a Purged frame: the answer to the Purge of this number. why is empty when it was done.
func AppendPurged(b []byte, number uint32, removed int, why string) ([]byte, error) {
	if most := kinds[KindPurged].ceiling / 2; len(why) > most {
		why = why[:most]
	}
	payload, err := msgpack.Marshal(map[string]any{"removed": removed, "error": why})
	if err != nil {
		return b, err
	}
	return AppendFrame(b, Frame{Kind: KindPurged, Stream: number, Payload: payload}), nil
}
