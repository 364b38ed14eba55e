package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/discover"
)

const (
	fewWorkers      = 2         // one slow view must not stop a site on one cpu
	manyWorkers     = 8         // beyond it somebody should have decided
	memoryPerWorker = 200 << 20 // octets; what a middling Django worker takes
	memoryPerConn   = 64 << 10  // bytes; twice what an idle connection takes, so that half of a container's limit holds them all
	socketMode      = 0o666     // as gunicorn's: whoever may enter the folder may connect, as with a port on loopback
	maxHandedOver   = 64        // sockets by LISTEN_FDS
)

// derive works out what nobody set.
func (l *loader) derive() {
	l.deriveApps()
	l.deriveStop()
	l.identities()
	l.fence()
	if src := l.sources.Of("limits.max_connections"); !src.Given() && l.in.Machine.OpenFiles > 0 {
		l.cfg.Limits.MaxConns = l.in.Machine.OpenFiles / 10 * 8
		why := fmt.Sprintf("80 %% of the open files limit, %d", l.in.Machine.OpenFiles)
		if m := l.in.Machine; m.Limited && m.Memory/memoryPerConn < int64(l.cfg.Limits.MaxConns) {
			l.cfg.Limits.MaxConns = int(max(m.Memory/memoryPerConn, 64))
			why = fmt.Sprintf("memory limit %s / %s", roughSize(m.Memory), FormatSize(memoryPerConn))
		}
		l.sources.put("limits.max_connections", Source{FromDerived, why})
	}
	l.cfg.MemoryLimit = l.in.Machine.Memory
	if src := l.sources.Of("static_cache"); !src.Given() {
		if part := l.in.Machine.Part(16, l.cfg.Files.Cache); part < l.cfg.Files.Cache {
			l.cfg.Files.Cache = part
			l.sources.put("static_cache", Source{FromDerived, "1/16 of the memory limit, " + roughSize(l.in.Machine.Memory)})
		}
	}
	if fds := l.handedOver(); fds > 0 && !slices.ContainsFunc(l.cfg.Listen, func(at Listen) bool { return at.Network == "fd" }) {
		l.warn("LISTEN_FDS hands over %s, and none of them is listened on; write --bind fd://3, or leave --bind out", plural(fds, "socket"))
	}
	if !l.sources.Of("log.access_log_format").Given() {
		l.cfg.Logs.AccessFormat = "combined"
		if l.cfg.Logs.Format == "json" {
			l.cfg.Logs.AccessFormat = "json"
		}
		l.sources.put("log.access_log_format", Source{FromDerived, "log_format is " + l.cfg.Logs.Format})
	}
	for i := range l.cfg.Listen {
		at := &l.cfg.Listen[i]
		if at.scheme != "" && !l.sources.Of(listenPath(i, "protocol")).Given() {
			at.Protocol = at.scheme
		}
		if at.Network == "unix" && at.Mode == 0 {
			at.Mode = socketMode
		}
		if path := listenPath(i, "backlog"); !l.sources.Of(path).Given() {
			at.Backlog = max(l.in.Machine.Somaxconn, 1024)
			l.sources.put(path, Source{FromDerived, "the system's somaxconn, at least 1024"})
		}
	}
}

// defaultListen is for nobody having said where: sockets that systemd hands over, $PORT, loopback.
func (l *loader) defaultListen() {
	if fds := l.handedOver(); fds > 0 {
		for i := range fds {
			l.cfg.Listen = append(l.cfg.Listen, Listen{Network: "fd", Address: strconv.Itoa(3 + i), Protocol: "http"})
			l.sources.put(listenPath(i, "address"), Source{FromEnv, "LISTEN_FDS"})
		}
		return
	}
	text, src := "127.0.0.1:8000", Source{}
	if port := l.env["PORT"]; port != "" {
		text, src = "0.0.0.0:"+port, Source{FromEnv, "PORT"}
	}
	at, err := ParseListen(text, l.in.Dir)
	if err != nil {
		l.bad.add(src, "%q is not a port; unset it, or say where to listen with --bind", l.env["PORT"])
	}
	l.cfg.Listen = []Listen{at}
	l.sources.put(listenPath(0, "address"), src)
}

// handedOver is how many sockets systemd handed to this very process (sd_listen_fds(3)); 0: none.
func (l *loader) handedOver() int {
	if pid, err := strconv.Atoi(l.env["LISTEN_PID"]); err != nil || pid != l.in.Pid {
		return 0
	}
	n, err := strconv.Atoi(l.env["LISTEN_FDS"])
	if err != nil || n < 0 || n > maxHandedOver {
		l.env["LISTEN_PID"] = "" // said once
		l.bad.at("LISTEN_FDS", "%q is not a number of sockets, 0 to %d", l.env["LISTEN_FDS"], maxHandedOver)
		return 0
	}
	return n
}

func (l *loader) deriveApps() {
	workers, src := 0, Source{} // worked out when the first app needs it
	for i := range l.cfg.Apps {
		a := &l.cfg.Apps[i]
		if path := appPath(a.Name, "workers"); !l.sources.Of(path).Given() {
			if workers == 0 {
				workers, src = l.defaultWorkers()
			}
			a.Workers.Min, a.Workers.Max, a.Workers.Reason = workers, workers, src.Where
			l.sources.put(path, src)
		}
		if path := appPath(a.Name, "queue"); !l.sources.Of(path).Given() {
			a.Requests.Queue = 256 + 16*a.Workers.Max
			l.sources.put(path, Source{FromDerived, fmt.Sprintf("256 + 16 x %d workers", a.Workers.Max)})
		}
		a.Dir = filepath.Clean(a.Dir)
		within(a.Dir, a.EnvFile)
		within(a.Dir, a.PythonPath)
		within(a.Dir, a.Life.TouchReload)
		within(a.Dir, a.Files.SendfileRoots)
		dir := appPath(a.Name, "dir")
		missing := checkFolder(a.Dir)
		if missing != nil && !l.unsure(dir) {
			l.absent(i, l.sources.Of(dir), missing)
		}
		there := missing == nil && !l.unsure(dir)
		l.readEnvFiles(a, there)
		l.findApp(a, there)
		l.findPython(i, there)
		l.appStatics(a, there)
	}
}

// defaultWorkers is the number of workers of an app that has none, and why.
func (l *loader) defaultWorkers() (int, Source) {
	if v := l.env["WEB_CONCURRENCY"]; v != "" {
		n, err := parseInt(v)
		if err == nil && n > 0 {
			return n, Source{FromEnv, "WEB_CONCURRENCY"}
		}
		l.bad.at("WEB_CONCURRENCY", "%q is not a number of workers; it is 1 or more", v)
		return 1, Source{}
	}
	return l.in.Machine.workers(len(l.cfg.Apps))
}

func within(dir string, paths []string) {
	for i, p := range paths {
		if !filepath.IsAbs(p) {
			paths[i] = filepath.Join(dir, p)
		}
	}
}

// readEnvFiles puts the files' variables in front of the app's own, which win. Without the app's folder it only looks
// at those that lie elsewhere; Again reads them all.
func (l *loader) readEnvFiles(a *App, there bool) {
	var vars []EnvVar
	src := l.sources.Of(appPath(a.Name, "env_file"))
	for _, path := range a.EnvFile {
		if !there && beneath(path, a.Dir) {
			continue
		}
		v, err := readEnvFile(path)
		if err != nil {
			l.bad.add(src, "env_file of app %q: %s", a.Name, withPath(path, err))
			continue
		}
		vars = append(vars, v...)
	}
	if a.unread = !there; there {
		a.Env = append(vars, a.Env...)
	}
}

// withPath names the file unless the message begins with it already.
func withPath(path string, err error) string {
	s := err.Error()
	if len(s) > len(path) && s[:len(path)+1] == path+":" {
		return s
	}
	return path + " " + s
}

// findApp is for an app whose module nobody named: FLASK_APP, else the files that may hold it.
func (l *loader) findApp(a *App, there bool) {
	if a.Module != "" {
		return
	}
	v, src := "", Source{FromEnv, "FLASK_APP"}
	for _, e := range slices.Backward(a.Env) {
		if e.Name == "FLASK_APP" {
			v, src = e.Value, e.Source
			break
		}
	}
	if v == "" && len(l.cfg.Apps) == 1 {
		v = l.env["FLASK_APP"] // of several apps it would be nobody's
	}
	if v != "" {
		a.Module, a.How = v, "FLASK_APP"
		l.sources.put(appPath(a.Name, "module"), src)
		return
	}
	if !there {
		a.Candidates = discover.Usual()
		return
	}
	if a.Candidates = discover.Candidates(a.Dir); len(a.Candidates) > 0 || l.unsure(appPath(a.Name, "module")) {
		return
	}
	where, looked := "", "FLASK_APP, standpipe.toml, "
	if l.cfg.File != "" {
		looked = "FLASK_APP, "
	}
	if len(l.cfg.Apps) > 1 {
		where, looked = fmt.Sprintf("app %q: ", a.Name), ""
	}
	name := "Name it: standpipe serve shop.wsgi:application"
	if projects := discover.Projects(a.Dir); len(projects) > 0 {
		name = "There is a Django project in " + strings.Join(projects, ", ") + ": standpipe serve --dir " + projects[0]
	} else if others := discover.Others(a.Dir); len(others) == 1 {
		name = "If it is in " + others[0] + ": standpipe serve " + others[0]
	} else if len(others) > 1 {
		name = "If it is in " + strings.Join(others, " or ") + ", name that, such as: standpipe serve " + others[0]
	}
	l.bad.at("", "%sno app found in %s; looked for %s%s. %s", where, a.Dir, looked, discover.Places, name)
}

func (l *loader) findPython(app int, there bool) {
	a := &l.cfg.Apps[app]
	python, venv := l.sources.Of(appPath(a.Name, "python")), l.sources.Of(appPath(a.Name, "venv"))
	if a.Python != "" && a.Venv != "" {
		switch {
		case python.Kind > venv.Kind:
			a.Venv = ""
		case venv.Kind > python.Kind:
			a.Python = ""
		default:
			l.bad.add(python, "app %q has both python and venv; keep one of them", a.Name)
			return
		}
	}
	env := l.env
	a.wish = discover.Wish{
		Dir: a.Dir, Python: a.Python, PythonFrom: how(python), Venv: a.Venv, VenvFrom: how(venv),
		Getenv: func(name string) string { return env[name] },
	}
	if !there {
		return // one problem is enough
	}
	in, err := discover.Find(a.wish)
	if err == nil {
		a.Interpreter = in
		return
	}
	src := python
	if a.Python == "" {
		src = venv
	}
	if !src.Given() && l.unsure(appPath(a.Name, "python"), appPath(a.Name, "venv")) {
		return
	}
	l.absent(app, src, err)
}

// how is a source as the start line names it.
func how(s Source) string {
	if s.Kind == FromFile {
		return "set in " + s.Where
	}
	return s.Where
}

// unsureStop says whether a part of the stop budget could not be read.
func (l *loader) unsureStop() bool {
	return l.unsure("stop.stop_timeout", "stop.graceful_timeout", "stop.shutdown_delay", "stop.term_grace")
}

// deriveStop divides the stop budget: shutdown_delay, then graceful_timeout, then term_grace.
func (l *loader) deriveStop() {
	c := l.cfg
	if l.env["KUBERNETES_SERVICE_HOST"] != "" && !l.sources.Of("stop.shutdown_delay").Given() {
		c.Stop.Delay = 5 * time.Second
		l.sources.put("stop.shutdown_delay", Source{FromDerived, "KUBERNETES_SERVICE_HOST is set"})
	}
	graceful, total := l.sources.Of("stop.graceful_timeout").Given(), l.sources.Of("stop.stop_timeout").Given()
	around := c.Stop.Delay + c.Stop.TermGrace
	switch {
	case graceful && !total:
		if c.Stop.Graceful == 0 {
			c.Stop.Timeout = 0
			l.sources.put("stop.stop_timeout", Source{FromDerived, "graceful_timeout is 0, no limit"})
		} else if need := c.Stop.Graceful + around; need > c.Stop.Timeout {
			c.Stop.Timeout = need
			l.sources.put("stop.stop_timeout", Source{FromDerived, "shutdown_delay + graceful_timeout + term_grace"})
		}
	case !graceful && c.Stop.Timeout == 0:
		c.Stop.Graceful = 0
		l.sources.put("stop.graceful_timeout", Source{FromDerived, "stop_timeout is 0, no limit"})
	case !graceful:
		if left := c.Stop.Timeout - around; left > 0 {
			c.Stop.Graceful = left
		} else if !l.unsureStop() {
			l.bad.add(l.sources.Of("stop.stop_timeout"), "stop_timeout %s leaves nothing for running requests after shutdown_delay %s and term_grace %s; raise it, or lower those",
				FormatDuration(c.Stop.Timeout), FormatDuration(c.Stop.Delay), FormatDuration(c.Stop.TermGrace))
		}
		l.sources.put("stop.graceful_timeout", Source{FromDerived, "stop_timeout - shutdown_delay - term_grace"})
	}
}
