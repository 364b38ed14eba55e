package config

import (
	"testing"
	"testing/fstest"
)

func TestMachine(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	mem := "MemTotal:       16384000 kB\n"
	for _, c := range []struct {
		name    string
		files   fstest.MapFS
		cpus    int
		memory  int64
		limited bool
		workers int
		why     string
	}{
		{"bare", fstest.MapFS{"proc/meminfo": file(mem)}, 16, 16384000 << 10, false, 8, "16 cpus"},
		{"v2", fstest.MapFS{"proc/meminfo": file(mem), "proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/cpu.max": file("250000 100000\n"), "sys/fs/cgroup/memory.max": file("536870912\n")},
			3, 512 << 20, true, 2, "3 cpus, limit 512MiB"},
		{"v2 parent", fstest.MapFS{"proc/meminfo": file(mem), "proc/self/cgroup": file("0::/a/b\n"), "sys/fs/cgroup/a/b/cpu.max": file("max 100000\n"), "sys/fs/cgroup/a/cpu.max": file("400000 100000\n"),
			"sys/fs/cgroup/a/b/memory.max": file("max\n"), "sys/fs/cgroup/a/memory.max": file("1073741824")}, 4, 1 << 30, true, 4, "4 cpus, limit 1GiB"},
		{"v1", fstest.MapFS{"proc/meminfo": file(mem), "proc/self/cgroup": file("4:memory:/x\n3:cpu,cpuacct:/x\n"), "sys/fs/cgroup/memory/memory.limit_in_bytes": file("104857600\n"),
			"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": file("50000\n"), "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": file("100000\n")}, 1, 100 << 20, true, 1, "1 cpu, limit 100MiB"},
		{"v1 none", fstest.MapFS{"proc/meminfo": file(mem), "proc/self/cgroup": file("4:memory:/\n3:cpu:/\n"), "sys/fs/cgroup/memory/memory.limit_in_bytes": file("9223372036854771712\n"),
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us": file("-1\n"), "sys/fs/cgroup/cpu/cpu.cfs_period_us": file("100000\n")}, 16, 16384000 << 10, false, 8, "16 cpus"},
		{"v2 nested", fstest.MapFS{"proc/meminfo": file(mem), "proc/self/cgroup": file("0::/a/b/c\n"), "sys/fs/cgroup/a/b/c/memory.max": file("max\n"),
			"sys/fs/cgroup/a/b/memory.max": file("209715200\n"), "sys/fs/cgroup/a/memory.max": file("1073741824\n"), "sys/fs/cgroup/memory.max": file("8589934592\n")}, 16, 200 << 20, true, 1, "16 cpus, limit 200MiB"},
		{"v2, a namespace below its group", fstest.MapFS{"proc/meminfo": file(mem), "proc/self/cgroup": file("0::/../../other\n"), "sys/fs/cgroup/memory.max": file("209715200\n")},
			16, 200 << 20, true, 1, "16 cpus, limit 200MiB"},
		{"v2 without files", fstest.MapFS{"proc/meminfo": file(mem), "proc/self/cgroup": file("0::/gone (deleted)\n")}, 16, 16384000 << 10, false, 8, "16 cpus"},
		{"v2 nonsense", fstest.MapFS{"proc/meminfo": file(mem), "proc/self/cgroup": file("0::\n\nx\n"), "sys/fs/cgroup/memory.max": file(""), "sys/fs/cgroup/memory.high": file("-5\n"), "sys/fs/cgroup/cpu.max": file("max\n")},
			16, 16384000 << 10, false, 8, "16 cpus"},
		{"v2 beyond the machine", fstest.MapFS{"proc/meminfo": file(mem), "proc/self/cgroup": file("0::/a\n"), "sys/fs/cgroup/a/memory.max": file("1099511627776\n")}, 16, 16384000 << 10, false, 8, "16 cpus"},
		{"v1 beside v2", fstest.MapFS{"proc/meminfo": file(mem), "proc/self/cgroup": file("4:memory:/a\n1:name=systemd:/a\n0::/a\n"), "sys/fs/cgroup/memory/a/memory.limit_in_bytes": file("209715200\n"),
			"sys/fs/cgroup/unified/a/cgroup.procs": file("1\n")}, 16, 200 << 20, true, 1, "16 cpus, limit 200MiB"},
		{"v2 high", fstest.MapFS{"proc/meminfo": file(mem), "proc/self/cgroup": file("0::/a\n"), "sys/fs/cgroup/a/memory.max": file("1073741824\n"), "sys/fs/cgroup/a/memory.high": file("629145600\n")},
			16, 600 << 20, true, 3, "16 cpus, limit 600MiB"},
		{"v1 nested", fstest.MapFS{"proc/meminfo": file(mem), "proc/self/cgroup": file("4:memory:/a/b\n"), "sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": file("9223372036854771712\n"),
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": file("209715200\n")}, 16, 200 << 20, true, 1, "16 cpus, limit 200MiB"},
		{"v1, a limit above the container's root", fstest.MapFS{"proc/meminfo": file(mem), "proc/self/cgroup": file("4:memory:/docker/x\n"), "sys/fs/cgroup/memory/memory.limit_in_bytes": file("1073741824\n"),
			"sys/fs/cgroup/memory/memory.stat": file("cache 0\nhierarchical_memory_limit 209715200\nhierarchical_memsw_limit 9223372036854771712\n")}, 16, 200 << 20, true, 1, "16 cpus, limit 200MiB"},
		{"small", fstest.MapFS{"proc/meminfo": file("MemTotal: 480000 kB\n")}, 16, 480000 << 10, false, 2, "16 cpus, memory 468.8MiB"},
	} {
		m := measureAt(c.files, 16)
		n, src := m.workers(1)
		if m.CPUs != c.cpus || m.Memory != c.memory || m.Limited != c.limited || n != c.workers || src.Where != c.why {
			t.Errorf("%s: %+v, workers %d, %q", c.name, m, n, src.Where)
		}
	}
	m := Machine{CPUs: 8, Memory: 1 << 30, Limited: true}
	if n, src := m.workers(2); n != 2 || src.Where != "8 cpus, limit 1GiB, 2 apps" {
		t.Errorf("two apps: %d, %q", n, src.Where)
	}
}

// Values that are not set follow the memory limit.
func TestDefaultsFollowTheMemoryLimit(t *testing.T) {
	for _, c := range []struct {
		m     Machine
		conns int
		cache int64
	}{
		{Machine{CPUs: 4, OpenFiles: 1 << 20, Memory: 200 << 20, Limited: true}, 3200, 200 << 20 / 16},
		{Machine{CPUs: 4, OpenFiles: 1000, Memory: 200 << 20, Limited: true}, 800, 200 << 20 / 16},
		{Machine{CPUs: 4, OpenFiles: 1 << 20, Memory: 64 << 30}, 1 << 20 / 10 * 8, 64 << 20},
		{Machine{CPUs: 4, OpenFiles: 1 << 20}, 1 << 20 / 10 * 8, 64 << 20},
	} {
		p := newProject(t, "app.py")
		p.in.Machine = &c.m
		cfg, _, err := Load(p.in)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Limits.MaxConns != c.conns || cfg.Files.Cache != c.cache || cfg.MemoryLimit != c.m.Memory {
			t.Errorf("%+v: %d connections, static_cache %d, limit %d", c.m, cfg.Limits.MaxConns, cfg.Files.Cache, cfg.MemoryLimit)
		}
	}
}
