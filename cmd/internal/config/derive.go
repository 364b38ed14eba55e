package config

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/localca"
)

const (
	fewWorkers      = 2         // one slow view must not stop a site on one cpu
	manyWorkers     = 8         // for more, a person should decide
	memoryPerWorker = 200 << 20 // bytes; what a medium Django worker takes
	memoryPerConn   = 64 << 10  // bytes; twice what an idle connection takes, so that half of a container's limit holds them all
	socketMode      = 0o666     // as gunicorn's: every user who may enter the folder may connect, as with a port on loopback
	maxPassed       = 64        // sockets by LISTEN_FDS
)

// derive fills in what was not set.
func (l *loader) derive() {
	for i := range l.cfg.Apps {
		l.deriveApp(i)
	}
	l.cfg.Dev.derive(l)
	l.cfg.Tracing.derive(l)
	l.cfg.Stop.derive(l.v.Row("stop", ""), l.v.Env["KUBERNETES_SERVICE_HOST"] != "", func(key, why string) { l.v.Sources.Put("stop."+key, derived(why)) })
	(&accounts{l.cfg, l.v, l.in.Machine, l.in.Tolerant, l.warn}).find()
	l.guardMemory()
	l.deriveSizes()
	if l.passed > 0 && !slices.ContainsFunc(l.cfg.Listen, func(at Listen) bool { return at.Network == "fd" }) {
		l.warn("LISTEN_FDS passes %s, and none of them is listened on; write --bind fd://3, or leave --bind out", plural(l.passed, "socket"))
	}
	l.cfg.Logs.SlowRecords = l.given("log.slow_request")
	if logs := &l.cfg.Logs; logs.Format == "json" && !l.given("log.access_log_format") {
		logs.AccessFormat = "json"
		l.v.Sources.Put("log.access_log_format", derived("log_format is json"))
	}
	if state, _, _ := strings.Cut(l.v.Env["STATE_DIRECTORY"], ":"); state != "" && !l.given("state_dir") {
		l.cfg.Folders.State = state
		l.v.Sources.Put("state_dir", derived("STATE_DIRECTORY is set"))
	}
	l.deriveListen()
	l.deriveTLS()
	l.deriveACME()
}

func (l *loader) given(path string) bool { return l.v.Sources.Of(path).Given() }

// deriveSizes makes sizes of the machine's limits.
func (l *loader) deriveSizes() {
	m, limits := l.in.Machine, &l.cfg.Limits
	l.cfg.MemoryLimit = m.Memory
	if !l.given("limits.max_connections") && m.OpenFiles > 0 {
		limits.MaxConns = m.OpenFiles / 10 * 8
		why := fmt.Sprintf("80 %% of the open files limit, %d", m.OpenFiles)
		if m.Limited && m.Memory/memoryPerConn < int64(limits.MaxConns) {
			limits.MaxConns = int(max(m.Memory/memoryPerConn, 64))
			why = fmt.Sprintf("memory limit %s / %s", roughSize(m.Memory), schema.FormatSize(memoryPerConn))
		}
		l.v.Sources.Put("limits.max_connections", derived(why))
	}
	deriveMemory(l)
}

// listen finds out which addresses there are: those of bind, of [[listen]], or the defaults.
func (l *loader) listen(scope *schema.Scope, tables []*schema.Table) {
	bind := l.v.Sources.Of("bind")
	switch {
	case len(tables) > 0 && bind.Kind == schema.FromFile:
		l.v.Problems.Add(bind, "bind and [[listen]] both set the addresses; keep one of them")
	case len(tables) > 0 && !bind.Given():
		l.v.FillRows(scope, l.cfg, "", tables)
		return
	case bind.Given():
		for i := range l.cfg.Listen {
			l.v.Sources.Put(listenRow(i)+".address", bind)
		}
	case l.v.Unsure("bind"):
	default:
		l.defaultListen()
	}
	for i := range l.cfg.Listen {
		l.v.Apply(&l.cfg.Listen[i], listenRow(i), l.v.Variables(scope, ""), l.v.Flags(scope))
	}
}

// defaultListen is for addresses that were not set: the sockets that systemd passes, $PORT, loopback.
func (l *loader) defaultListen() {
	for i := range l.passed {
		l.cfg.Listen = append(l.cfg.Listen, Listen{Network: "fd", Address: strconv.Itoa(3 + i), Protocol: "http"})
		l.v.Sources.Put(listenRow(i)+".address", schema.Source{Kind: schema.FromEnv, Where: "LISTEN_FDS"})
	}
	if l.passed > 0 {
		return
	}
	local := l.cfg.ACME.localListen()
	if l.cfg.Automatic() && local == nil {
		l.cfg.Listen = []Listen{{Network: "tcp", Address: ":443", Protocol: "https", scheme: "https"}, {Network: "tcp", Address: ":80", Protocol: "http", Redirect: true}}
		for i := range l.cfg.Listen {
			l.v.Sources.Put(listenRow(i)+".address", derived("https is set"))
		}
		return
	}
	text, src := "127.0.0.1:8000", schema.Source{}
	if port := l.v.Env["PORT"]; port != "" {
		text, src = "0.0.0.0:"+port, schema.Source{Kind: schema.FromEnv, Where: "PORT"}
		if l.cfg.Dev.On && l.cfg.Dev.Token == "" {
			text = "127.0.0.1:" + port
		}
	} else if local != nil {
		l.cfg.Listen = local
		for i := range local {
			l.v.Sources.Put(listenRow(i)+".address", derived("https has names of this machine alone"))
		}
		return
	}
	at, err := ParseListen(text, l.in.Dir)
	if err != nil {
		l.v.Problems.Add(src, "%q is not a port; unset it, or say where to listen with --bind", l.v.Env["PORT"])
	}
	l.cfg.Listen = []Listen{at}
	l.v.Sources.Put(listenRow(0)+".address", src)
}

// localPort is the port of localListen. Every user may listen on it.
const localPort = "8443"

// localListen are the addresses for names of this machine alone: loopback, or those of the names that are addresses. nil: https
// has other names, or none.
func (a *ACME) localListen() (list []Listen) {
	var hosts []string
	for _, name := range a.HTTPS {
		if !localca.Local(name) {
			return nil
		}
		ip := net.ParseIP(name)
		if ip == nil {
			ip = net.IPv4(127, 0, 0, 1)
		}
		if !slices.Contains(hosts, ip.String()) {
			hosts = append(hosts, ip.String())
		}
	}
	if a.OnDemand {
		return nil
	}
	for _, host := range hosts {
		list = append(list, Listen{Network: "tcp", Address: net.JoinHostPort(host, localPort), Protocol: "https", scheme: "https"})
	}
	return list
}

// passedSockets is how many sockets systemd passes to this very process (sd_listen_fds(3)); 0: none.
func (l *loader) passedSockets() int {
	if pid, err := strconv.Atoi(l.v.Env["LISTEN_PID"]); err != nil || pid != l.in.Pid {
		return 0
	}
	n, err := strconv.Atoi(l.v.Env["LISTEN_FDS"])
	if err != nil || n < 0 || n > maxPassed {
		l.v.Problems.At("LISTEN_FDS", "%q is not a number of sockets, 0 to %d", l.v.Env["LISTEN_FDS"], maxPassed)
		return 0
	}
	return n
}

func (l *loader) deriveListen() {
	for i := range l.cfg.Listen {
		at, path := &l.cfg.Listen[i], listenRow(i)
		if at.scheme != "" && !l.given(path+".protocol") {
			at.Protocol = at.scheme
		}
		if at.Network == "unix" && at.Mode == 0 {
			at.Mode = socketMode
		}
		if !l.given(path + ".backlog") {
			at.Backlog = max(l.in.Machine.Somaxconn, 1024)
			l.v.Sources.Put(path+".backlog", derived("the system's somaxconn, at least 1024"))
		}
	}
}

// absolute makes paths relative to dir absolute.
func absolute(dir string, paths []string) {
	for i, p := range paths {
		if !filepath.IsAbs(p) {
			paths[i] = filepath.Join(dir, p)
		}
	}
}
