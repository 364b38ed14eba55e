package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// userSettings are whom the serving process becomes; the apps' workers too, unless the app says otherwise.
func userSettings() []*Setting {
	return []*Setting{
		{Key: "user", Scope: OfServer, Kind: Text, Flags: []string{"user", "u"}, Hint: "USER", Derived: "the user that starts standpipe",
			Doc: "The user that standpipe becomes when it is started as root, by name or number: after addresses, logs and keys are open, before any worker is started. Its group and its supplementary groups come with it, and the workers' HOME, USER and LOGNAME are its own. What is opened later (spool_dir, a reload's files) is opened as this user. With `root` standpipe stays root and does not warn.",
			at:  func(t target) any { return &t.cfg.Account.User }},
		{Key: "group", Scope: OfServer, Kind: Text, Flags: []string{"group", "g"}, Hint: "GROUP", Derived: "the user's own group",
			Doc: "The group instead of the user's own, by name or number. It is needed when user is the number of nobody's account.",
			at:  func(t target) any { return &t.cfg.Account.Group }},
	}
}

// confineSettings are about what an app's workers may do to the machine.
func confineSettings() []*Setting {
	fixed := func(s *Setting) *Setting {
		s.Reload, s.NoEnv = false, true
		return s
	}
	return []*Setting{
		fixed(perApp("user", Text, nil, "", "the server's user", "The user that this app's workers run as, by name or number. standpipe has to be started as root. With another user than the server's, a small helper process remains root; it starts, signals and reaps these workers and does nothing else.", func(a *App) any { return &a.Confine.User })),
		fixed(perApp("group", Text, nil, "", "the user's own group", "Their group instead of the user's own.", func(a *App) any { return &a.Confine.Group })),
		fixed(perApp("groups", List, nil, "", "the user's groups in the system's database", "Their supplementary groups; `none` for none.", func(a *App) any { return &a.Confine.Groups })),
		umaskSetting(),
		niceSetting(),
		perApp("limit_as", Size, []string{"limit-as"}, "0", "", "The address space of each worker (RLIMIT_AS); beyond it Python raises MemoryError. It counts what is reserved, not what is used: take several times the resident size.", func(a *App) any { return &a.Confine.LimitAS }),
		perApp("limit_nofile", Int, []string{"limit-nofile"}, "0", "", "The open files of each worker (RLIMIT_NOFILE).", func(a *App) any { return &a.Confine.LimitNofile }),
		perApp("limit_nproc", Int, []string{"limit-nproc"}, "0", "", "The processes and threads that the workers' user may have in all (RLIMIT_NPROC). 0: the limit that standpipe itself has; workers of its own user get 64 less (at most a quarter), so that an app that forks without end leaves the server its threads. root has no such limit.", func(a *App) any { return &a.Confine.LimitNproc }),
		perApp("limit_cpu", Duration, []string{"limit-cpu"}, "0", "", "The processor time of each worker over its whole life, in whole seconds (RLIMIT_CPU); then it is killed and replaced.", func(a *App) any { return &a.Confine.LimitCPU }),
		choice([]string{"off", "on"}, perApp("no_new_privs", Choice, []string{"no-new-privs"}, "off", "", "`on`: setuid programs such as sudo and sendmail give the workers and their children nothing. Linux.", func(a *App) any { return &a.Confine.NoNewPrivs })),
		perApp("memory_max", Size, []string{"memory-max"}, "0", "", "The memory of all workers of the app together, in a control group of its own (cgroup v2, memory.max); beyond it the kernel kills in this group alone. Its control group has to be delegated to standpipe: systemd's `Delegate=yes`, or root in a container with a writable /sys/fs/cgroup; otherwise standpipe does not start.", func(a *App) any { return &a.Confine.MemoryMax }),
		cpuMaxSetting(),
		perApp("pids_max", Int, []string{"pids-max"}, "0", "", "Processes and threads of all workers of the app together (pids.max), in the same way. 0: no limit of its own. There is no other default: nobody but the app knows how many threads it needs, and the server keeps its own threads in any case; where apps share TasksMax or a container's limit, set it for each of them, so that one that forks without end leaves the others their workers.", func(a *App) any { return &a.Confine.PidsMax }),
	}
}

func umaskSetting() *Setting {
	s := perApp("umask", Mode, []string{"umask", "m"}, "", "that of standpipe", "The permissions that the workers' new files do not get, in octal: `027`.", nil)
	s.at = nil
	s.set = func(t target, in input) error {
		n, err := strconv.ParseUint(strings.TrimPrefix(in.last(), "0o"), 8, 32)
		if err != nil || n > 0o777 {
			return fmt.Errorf("%q is not a umask; write it in octal, as \"027\"", in.last())
		}
		mask := int(n)
		t.app.Confine.Umask = &mask
		return nil
	}
	s.show = func(t target) (string, bool) {
		if t.app.Confine.Umask == nil {
			return "", true
		}
		return fmt.Sprintf("%04o", *t.app.Confine.Umask), true
	}
	return s
}

func niceSetting() *Setting {
	s := perApp("nice", Int, []string{"nice"}, "", "that of standpipe", "The workers' priority, from -20, the first, to 19, the last. Below standpipe's own it needs root.", nil)
	s.at = nil
	s.set = func(t target, in input) error {
		n, err := strconv.Atoi(in.last())
		if err != nil || n < -20 || n > 19 {
			return fmt.Errorf("%q is not a number from -20 to 19", in.last())
		}
		t.app.Confine.Nice = &n
		return nil
	}
	s.show = func(t target) (string, bool) {
		if t.app.Confine.Nice == nil {
			return "", true
		}
		return strconv.Itoa(*t.app.Confine.Nice), true
	}
	return s
}

// cpuMaxSetting takes "150%" and "1.5".
func cpuMaxSetting() *Setting {
	s := perApp("cpu_max", Text, []string{"cpu-max"}, "0", "", "The processors of all workers of the app together (cpu.max), in the same way: `1.5`, or `150%` of one.", nil)
	s.at = nil
	s.Hint = "N|N%"
	s.set = func(t target, in input) error {
		return store(&t.app.Confine.CPUMax, in.last(), parseCPUs)
	}
	s.show = func(t target) (string, bool) {
		if t.app.Confine.CPUMax == 0 {
			return "0", true
		}
		return fmt.Sprintf("%d%%", t.app.Confine.CPUMax), true
	}
	return s
}

// parseCPUs is in hundredths of a processor.
func parseCPUs(s string) (int64, error) {
	text, percent := strings.CutSuffix(strings.TrimSpace(s), "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if !percent {
		f *= 100
	}
	if err != nil || !(f >= 1 && f <= 1e6 || f == 0) {
		return 0, errors.New("is not a number of processors; write 1.5 or 150%")
	}
	return int64(math.Round(f)), nil
}

// seconds is d in whole seconds, rounded up.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// Cgrouped: the app's workers live in a control group of their own.
func (c *Confine) Cgrouped() bool { return c.MemoryMax > 0 || c.CPUMax > 0 || c.PidsMax > 0 }
