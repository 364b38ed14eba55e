package cache

// Stats are the numbers of one app or route.
type Stats struct {
	// App is its name.
	App string
	// Hits, Misses, Stale, Collapsed, Passed and Revalidated are how many requests had a stored
	// answer, none, a stale one, one that another request fetched, one that is not stored, and one
	// that the app has confirmed.
	Hits, Misses, Stale, Collapsed, Passed, Revalidated int64
	// Stored and Evicted are how many answers were put in memory, and left it for want of room.
	Stored, Evicted int64
	// Entries and Bytes are the answers in memory now.
	Entries, Bytes int64
}

// Stats returns the numbers of all apps and routes, by name.
func (c *Cache) Stats() []Stats { return nil }
