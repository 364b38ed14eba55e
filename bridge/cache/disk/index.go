package disk

import (
	"hash/maphash"
	"time"
)

// name names a file: the first half of the Key, and a hash of what the Answer varies by. An Answer
// that replaces another one gets its file's name.
type name struct {
	key  [16]byte
	vary [8]byte
}

// shard is the sub-folder of a name.
func (n name) shard() byte { return n.key[0] }

// entry is what is known of one file.
type entry struct {
	name name
	url  uint64 // hash of the URL
	text string // the hashes of the app and the groups, eight bytes each, then the beginning of the URL
	at   int64  // when the Answer came; nanoseconds
	size uint32 // units
	keep uint32 // until when it may be of use; seconds

	nextName         uint32 // of the same bucket of names
	nextURL, prevURL uint32 // of the same bucket of URLs; no prevURL: the first one
	newer, older     uint32 // in the order of their coming
	groups           uint8  // how many the text has
	flags            uint8
}

// The flags of an entry.
const (
	flagUsed    = 1 << iota // since the hand passed it
	flagRead                // its file's head was read
	flagWhole               // all its blocks were verified
	flagLongURL             // the text does not have all of the URL
	flagGroups              // the text does not have all groups
	flagFree                // there is no such entry
)

// unit is what sizes in the index are counted in: what a file takes on a disk is a multiple of it.
const unit = 4096

// textURL bounds the beginning of the URL that an entry has; bytes. Purges by a longer prefix read
// the file.
const textURL = 96

// mostGroups bounds the groups that an entry has. Purges by group read the files of those with more.
const mostGroups = 32

const chunkLen = 1024

// index is what is known of all files. Its entries are in chunks, so that it grows without being
// copied, and are named by their numbers, which are from 1 on. A lock around it is the Tier's.
type index struct {
	seed   maphash.Seed
	chunks []*[chunkLen]entry
	free   uint32 // the first of the free entries, which nextName links
	count  int
	units  int64

	names, urls []uint32 // buckets

	newest, oldest uint32
	hand           uint32 // where the next search for a victim begins; 0: at the oldest
}

const leastBuckets = 1 << 10

func newIndex(seed maphash.Seed) *index {
	return &index{seed: seed, names: make([]uint32, leastBuckets), urls: make([]uint32, leastBuckets)}
}

// of returns the entry with that number.
func (x *index) of(id uint32) *entry {
	id--
	return &x.chunks[id/chunkLen][id%chunkLen]
}

// capacity is how many entries there are, free ones included.
func (x *index) capacity() uint32 { return uint32(len(x.chunks) * chunkLen) }

func (x *index) nameBucket(n name) *uint32 {
	// The key is a digest of what a client sends, which could be chosen so that all are in one bucket.
	return &x.names[maphash.Bytes(x.seed, n.key[:])&uint64(len(x.names)-1)]
}

func (x *index) urlBucket(hash uint64) *uint32 { return &x.urls[hash&uint64(len(x.urls)-1)] }

// find returns the entry with that name; 0: there is none.
func (x *index) find(n name) uint32 {
	for id := *x.nameBucket(n); id != 0; id = x.of(id).nextName {
		if x.of(id).name == n {
			return id
		}
	}
	return 0
}

// variants appends the entries of a key to list.
func (x *index) variants(list []uint32, key [16]byte) []uint32 {
	for id := *x.nameBucket(name{key: key}); id != 0; id = x.of(id).nextName {
		if x.of(id).name.key == key {
			list = append(list, id)
		}
	}
	return list
}

// add adds an entry whose name has none, as the newest one.
func (x *index) add(e entry) {
	if x.count >= len(x.names) {
		x.grow()
	}
	id := x.free
	if id == 0 {
		x.chunk()
		id = x.free
	}
	p := x.of(id)
	x.free = p.nextName
	*p = e
	p.newer, p.older = 0, x.newest
	if x.newest != 0 {
		x.of(x.newest).newer = id
	} else {
		x.oldest = id
	}
	x.newest = id
	x.link(id)
	x.count++
	x.units += int64(p.size)
}

// chunk makes more free entries.
func (x *index) chunk() {
	first := x.capacity() + 1
	c := new([chunkLen]entry)
	x.chunks = append(x.chunks, c)
	for i := range c {
		c[i].flags, c[i].nextName = flagFree, first+uint32(i)+1
	}
	c[chunkLen-1].nextName = 0
	x.free = first
}

// link puts an entry into its buckets.
func (x *index) link(id uint32) {
	e := x.of(id)
	b := x.nameBucket(e.name)
	e.nextName, *b = *b, id
	b = x.urlBucket(e.url)
	if *b != 0 {
		x.of(*b).prevURL = id
	}
	e.prevURL, e.nextURL, *b = 0, *b, id
}

// grow doubles the buckets.
func (x *index) grow() {
	n := 2 * len(x.names)
	x.names, x.urls = make([]uint32, n), make([]uint32, n)
	for id := x.oldest; id != 0; id = x.of(id).newer {
		x.link(id)
	}
}

// fill replaces what is known of an entry, and keeps its place in the order.
func (x *index) fill(id uint32, e entry) {
	p := x.of(id)
	x.unlinkURL(id)
	x.units += int64(e.size) - int64(p.size)
	p.url, p.text, p.at, p.size, p.keep, p.groups = e.url, e.text, e.at, e.size, e.keep, e.groups
	p.flags = p.flags&flagUsed | e.flags
	b := x.urlBucket(p.url)
	if *b != 0 {
		x.of(*b).prevURL = id
	}
	p.prevURL, p.nextURL, *b = 0, *b, id
}

func (x *index) unlinkURL(id uint32) {
	e := x.of(id)
	if e.prevURL != 0 {
		x.of(e.prevURL).nextURL = e.nextURL
	} else {
		*x.urlBucket(e.url) = e.nextURL
	}
	if e.nextURL != 0 {
		x.of(e.nextURL).prevURL = e.prevURL
	}
}

// remove removes an entry.
func (x *index) remove(id uint32) {
	e := x.of(id)
	for p := x.nameBucket(e.name); *p != 0; p = &x.of(*p).nextName {
		if *p == id {
			*p = e.nextName
			break
		}
	}
	x.unlinkURL(id)
	if x.hand == id {
		x.hand = e.newer
	}
	if e.newer != 0 {
		x.of(e.newer).older = e.older
	} else {
		x.newest = e.older
	}
	if e.older != 0 {
		x.of(e.older).newer = e.newer
	} else {
		x.oldest = e.newer
	}
	x.count--
	x.units -= int64(e.size)
	*e = entry{flags: flagFree, nextName: x.free}
	x.free = id
}

// over reports whether there are more units, or files.
func (x *index) over(units int64, files int) bool { return x.units > units || x.count > files }

// hash is what the index has of a text.
func hash(seed maphash.Seed, s string) uint64 { return maphash.String(seed, s) }

// victim returns the entry that goes next; 0: there is none. The order is SIEVE's: a hand goes from
// the oldest entry to the newest one and takes the first that was not used since it came by, so that
// entries which are used once go before those that are used again.
func (x *index) victim(now time.Time) uint32 {
	seconds := uint32(now.Unix())
	for range 2*x.count + 1 {
		id := x.hand
		if id == 0 {
			id = x.oldest
		}
		if id == 0 {
			return 0
		}
		e := x.of(id)
		if e.flags&flagUsed == 0 || e.flags&flagRead != 0 && e.keep < seconds {
			return id
		}
		e.flags &^= flagUsed
		x.hand = e.newer
	}
	return 0
}
