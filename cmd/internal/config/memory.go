package config

import (
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Memory bounds what this process keeps in memory for clients. The workers have their own limits.
type Memory struct {
	Budget int64 // bytes of all parts together: those here, Files.Cache and Cache.Memory; 0: no limit but those of the parts

	Bodies  int64 // of request bodies, each up to buffer_body; no setting
	Answers int64 // of responses that wait for their clients; no setting
}

// What the parts may take at most when no setting says so, in bytes, and how many fifths of the budget that is at most. Without
// memory_budget a fifth is 1/16 of the memory limit: the rest is for the apps.
const (
	bodiesMost, bodiesFifths   = 256 << 20, 2
	answersMost, answersFifths = 64 << 20, 1
	filesFifths                = 1
	cacheFifths                = 1
)

// Settings are keys at the top.
func (*Memory) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "memory_budget", Kind: schema.Size, Derived: "5/16 of the memory limit, at most 640MiB",
			Set:  schema.Set(func(m *Memory, in schema.Input) error { return schema.Store(&m.Budget, in.Last(), schema.ParseSize) }),
			Show: schema.Show(func(m *Memory) (string, bool) { return schema.FormatSize(m.Budget), m.Budget > 0 })},
	}}
}

// part is a part of the budget.
type part struct {
	what  string // for people: "cache_memory", "request bodies"
	key   string // its setting; empty: it has none
	bytes int64
}

// memoryParts are the parts of memory_budget.
func memoryParts(c *Config) []part {
	return []part{{"request bodies", "", c.Memory.Bodies}, {"waiting responses", "", c.Memory.Answers}, {"static_cache", "static_cache", c.Files.Cache}, {"cache_memory", "cache.cache_memory", c.Cache.Memory}}
}

// deriveMemory divides the budget. A part that is set counts as it is; what has no setting, or is not set, gets its share
// of the budget, and at most its own default. A budget that a person has set is used up: the cache gets the rest.
func deriveMemory(l *loader) {
	c, limit := l.cfg, l.in.Machine.Memory
	m := &c.Memory
	given := l.given("memory_budget")
	share, why := int64(0), "" // a fifth
	switch {
	case given:
		share, why = m.Budget/5, "of memory_budget "+schema.FormatSize(m.Budget)
	case limit > 0:
		share, why = limit/16, "of the memory limit, "+roughSize(limit)
	}
	portion := func(most, fifths int64) int64 {
		if share == 0 {
			return most
		}
		return min(share*fifths, most)
	}
	m.Bodies, m.Answers = portion(bodiesMost, bodiesFifths), portion(answersMost, answersFifths)
	fraction := map[bool]string{true: "1/5 ", false: "1/16 "}[given]
	if part := portion(c.Files.Cache, filesFifths); !l.given("static_cache") && part < c.Files.Cache {
		c.Files.Cache = part
		l.v.Sources.Put("static_cache", derived(fraction+why))
	}
	if l.given("cache.cache_memory") {
		return
	}
	most := c.Cache.Memory
	if given && m.Budget > 0 {
		c.Cache.Memory = max(m.Budget-m.Bodies-m.Answers-c.Files.Cache, 0)
		l.v.Sources.Put("cache.cache_memory", derived("what the other parts leave "+why))
	} else if c.Cache.Memory = portion(most, cacheFifths); c.Cache.Memory < most {
		l.v.Sources.Put("cache.cache_memory", derived(fraction+why))
	}
}

// checkMemory finds parts that together are more than the budget, or than there is memory.
func checkMemory(c *Config, r *schema.Row) {
	parts := memoryParts(c)
	if !Caches(c) {
		parts = parts[:len(parts)-1] // it is not used
	}
	sum, key := int64(0), ""
	var list []string
	for _, p := range parts {
		sum += min(p.bytes, 1<<60)
		list = append(list, p.what+" "+roughSize(p.bytes))
		if p.key != "" && r.Given(p.key) {
			key = p.key
		}
	}
	budget := c.Memory.Budget
	said := strings.Join(list, ", ")
	switch limit := c.MemoryLimit; {
	case r.Unsure("memory_budget", "static_cache", "cache.cache_memory"):
	case budget > 0 && limit > 0 && budget > limit:
		r.Bad("memory_budget", "memory_budget %s is more than the memory limit %s; lower it: the apps need memory too", schema.FormatSize(budget), roughSize(limit))
	case budget > 0 && sum > budget && key != "":
		r.Bad(key, "the parts of memory_budget %s are %s together (%s); raise it, or lower one of them", schema.FormatSize(budget), roughSize(sum), said)
	case budget == 0 && limit > 0 && sum > limit && key != "":
		r.Bad(key, "what is kept in memory, %s (%s), is more than the memory limit %s; lower %s", roughSize(sum), said, roughSize(limit), lastKey(key))
	case r.Given("memory_budget") && budget > 0 && budget < leastBudget:
		r.Bad("memory_budget", "memory_budget %s is less than %s; raise it, or leave it out", schema.FormatSize(budget), schema.FormatSize(leastBudget))
	}
}

// leastBudget is the least memory_budget: below it, each client would wait for the others.
const leastBudget = 8 << 20

func lastKey(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }
