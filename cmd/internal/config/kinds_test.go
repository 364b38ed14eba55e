package config

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "30": 30 * time.Second, "1m30s": 90 * time.Second, "250ms": 250 * time.Millisecond,
		"0": 0, "0.5": 500 * time.Millisecond, " 2h ": 2 * time.Hour,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%q = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "-1", "-1s", "1d", "1e30", "NaN", "inf", "0x10", "1_0", "99999999999999999999"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q = %v, no error", text, got)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "100": 100, "64KiB": 64 << 10, "100M": 100 << 20, "100MB": 100 << 20, "1gb": 1 << 30, "2 TiB": 2 << 40, "5b": 5,
		"9223372036854775807": 1<<63 - 1,
	} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%q = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "-1", "1.5M", "MiB", "9223372036854775808", "9007199254740992K", "1Mi", "1 M B", "0x10", "1KM"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q = %v, no error", text, got)
		}
	}
}

// What is printed can be read again, and is the same.
func TestFormatRoundTrip(t *testing.T) {
	for _, n := range []int64{0, 1, 1000, 1024, 64 << 10, 100 << 20, 3 << 30, 1<<63 - 1} {
		if got, err := ParseSize(FormatSize(n)); err != nil || got != n {
			t.Errorf("%d -> %s -> %d, %v", n, FormatSize(n), got, err)
		}
	}
	for _, d := range []time.Duration{0, time.Millisecond, 75 * time.Second, 2 * time.Minute, 90 * time.Minute, time.Hour, 36*time.Hour + time.Second} {
		if got, err := ParseDuration(FormatDuration(d)); err != nil || got != d {
			t.Errorf("%v -> %s -> %v, %v", d, FormatDuration(d), got, err)
		}
	}
}

func TestParseListen(t *testing.T) {
	for text, want := range map[string]string{
		"8000": "127.0.0.1:8000", ":8000": ":8000", "0.0.0.0:80": "0.0.0.0:80", "0.0.0.0": "0.0.0.0:8000", "[::1]:80": "[::1]:80", "[::]": "[::]:8000",
		"localhost:1": "localhost:1", "http://Example.org:80/": "example.org:80", "tcp://:5": ":5", "127.0.0.1:0": "127.0.0.1:0",
		"fd://3": "fd://3", "unix:/run/a.sock": "unix:/run/a.sock", "unix:a.sock": "unix:/base/a.sock", "unix:///run/a": "unix:/run/a",
		"uwsgi://:3031": "uwsgi://:3031", "uwsgi://3031": "uwsgi://127.0.0.1:3031", "uwsgi+unix:/run/a": "uwsgi+unix:/run/a", "uwsgi+unix:///run/a": "uwsgi+unix:/run/a",
		"uwsgi+fd://3": "uwsgi+fd://3", "http+unix:/run/a": "unix:/run/a",
	} {
		if got, err := ParseListen(text, "/base"); err != nil || got.String() != want {
			t.Errorf("%q = %q, %v; want %q", text, got, err, want)
		}
	}
	l, err := ParseListen("unix:/run/a.sock?mode=0660&user=www&group=33", "/")
	if err != nil || l.Mode != 0o660 || l.User != "www" || l.Group != "33" || l.Address != "/run/a.sock" {
		t.Errorf("%+v, %v", l, err)
	}
	for text, name := range map[string]string{ // what the error names
		"": "", ":": ":", "0.0.0.0:": "0.0.0.0", "::1": "[::1]:8000", ":99999": "99999", "a:b:c": "a:b:c", "a:http": "http", "/run/x": "unix:", "unix:": "unix:", "unix:@x": "@x",
		"unix:/x?mode=999": "mode", "unix:/x?mdoe=1": "mdoe", "fd://x": "fd://", "fd://1": "3", "uwsgi+:3031": "uwsgi://host:port", "https://:443": "https", "ftp://x": "ftp", "*:80": "*",
		"unix:/" + strings.Repeat("x", 200): "201",
	} {
		if l, err := ParseListen(text, "/base"); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%q = %+v, %v; want an error that names %q", text, l, err, name)
		}
	}
}

func TestEnvFile(t *testing.T) {
	text := "\ufeff# comment\n\nA=1\nexport B = two words # comment\nC='a#b $x \\n'\nD=\"x\\ny \\\"q\\\" \\$z\" # c\nE=\nF=a#b\nG=\"one\ntwo\"\nH=last"
	vars, err := parseEnv(".env", text)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"A=1", "B=two words", "C=a#b $x \\n", "D=x\ny \"q\" $z", "E=", "F=a#b", "G=one\ntwo", "H=last"}
	for i, v := range vars {
		if i >= len(want) || v.Name+"="+v.Value != want[i] {
			t.Errorf("%d: %s=%q", i, v.Name, v.Value)
		}
	}
	if len(vars) != len(want) {
		t.Errorf("%d variables, want %d", len(vars), len(want))
	}
	if got := vars[len(vars)-1].Source.Where; got != ".env:11" {
		t.Errorf("the last one stands in %s", got)
	}
	for text, want := range map[string]string{
		"A=1\nB\n": ".env:2: B", "A='x": ".env:1: A", "A=\"x\" y": ".env:1: y", "=1": ".env:1: \"\"", "A B=1": ".env:1:", "A=\x00": ".env:1: NUL", "\nsecret-without-an-equals-sign": ".env:2: secret-witho...\"",
	} {
		if _, err := parseEnv(".env", text); err == nil || !names(err.Error(), want) {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
}

// Without Windows' line ends the values would end in a carriage return.
func TestEnvFileCRLF(t *testing.T) {
	path := t.TempDir() + "/env"
	if err := os.WriteFile(path, []byte("A=1\r\nB=\"x\"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	vars, err := readEnvFile(path)
	if err != nil || len(vars) != 2 || vars[0].Value != "1" || vars[1].Value != "x" {
		t.Errorf("%+v, %v", vars, err)
	}
}

func FuzzParseEnv(f *testing.F) {
	f.Add("A=1\nexport B='x'\nC=\"y\\n\" # z")
	f.Add("A=\"\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		vars, err := parseEnv("f", text)
		if err != nil && !strings.HasPrefix(err.Error(), "f:") {
			t.Errorf("an error without a place: %v", err)
		}
		for _, v := range vars {
			if v.Name == "" || strings.ContainsAny(v.Name, "=\x00") || strings.ContainsRune(v.Value, 0) {
				t.Errorf("%q=%q", v.Name, v.Value)
			}
		}
	})
}

func FuzzParseTOML(f *testing.F) {
	f.Add([]byte("[[app]]\nname=\"a\"\n[app.env]\nA=1\n[limits]\nmax_body=\"1M\"\n"))
	f.Add([]byte("[[listen]]\naddress=\":1\"\n[[listen]]\nmode=0o660\n"))
	f.Add([]byte("a.b.c = [[1,{x=2}]]\n[[a.b]]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var bad Problems
		parseTOML(text, "f", "/", &bad)
		for _, p := range bad {
			if !strings.HasPrefix(p.Where, "f") {
				t.Errorf("a problem without a place: %v", p)
			}
		}
	})
}

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

func TestNearest(t *testing.T) {
	words := []string{"workers", "threads", "timeout", "bind"}
	for word, want := range map[string]string{"wrokers": "workers", "worker": "workers", "tiemout": "timeout", "bnid": "bind", "xyz": "", "": "", "entirely": ""} {
		if got := Nearest(word, words); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestMasked(t *testing.T) {
	for name, c := range map[string][2]string{
		"SECRET_KEY": {"x", mask}, "DB_PASSWORD": {"x", mask}, "api_token": {"x", mask}, "DEBUG": {"1", "1"}, "EMPTY_KEY": {"", ""},
		"DATABASE_URL": {"postgres://u:pw@h/db", "postgres://u:******@h/db"}, "URL": {"https://h/@x", "https://h/@x"},
	} {
		if got := Masked(name, c[0]); got != c[1] {
			t.Errorf("Masked(%s, %q) = %q, want %q", name, c[0], got, c[1])
		}
	}
}

// What nobody has set follows the memory limit.
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
