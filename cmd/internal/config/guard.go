package config

// guardMemory sets hard_rss where the kernel, short of memory, would kill standpipe together with the worker that grew:
// memory.oom.group is set for this control group or one above it, as Kubernetes does it.
func (l *loader) guardMemory() {
	m, workers, unguarded := l.in.Machine, 0, 0
	if !m.OOMGroup || !m.Limited {
		return
	}
	free := func(a *App) bool { return a.Confine.MemoryMax == 0 && !l.given(appRow(a.Name)+".hard_rss") }
	for i := range l.cfg.Apps {
		workers += l.cfg.Apps[i].Workers.Max
		if free(&l.cfg.Apps[i]) {
			unguarded++
		}
	}
	share := (m.Memory - m.OwnRSS) / int64(max(workers, 1)) / 100 * 85
	if unguarded == 0 || share <= 0 {
		return
	}
	for i := range l.cfg.Apps {
		if a := &l.cfg.Apps[i]; free(a) && (a.Life.MaxRSS == 0 || a.Life.MaxRSS <= share) {
			a.Life.HardRSS = share
			l.v.Sources.Put(appRow(a.Name)+".hard_rss", derived("memory.oom.group: 85 % of (limit - standpipe) / workers"))
		}
	}
	l.warn("memory.oom.group is set for this control group: short of memory, the kernel would kill standpipe and all workers at once; a worker above %s is killed before that (hard_rss; memory_max is better where control groups are delegated)", roughSize(share))
}
