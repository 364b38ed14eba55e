package export

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/config"
)

// unit fills systemd's part.
func (f *File) unit(cfg *config.Config, in Input) error {
	f.Service, f.Socket = in.Unit != "socket", in.Unit != "service"
	f.Program, f.Dir, f.User = in.Program, cfg.Dir, in.User
	f.Control = cfg.Control.Socket
	f.writes(cfg)
	f.Args = slices.Clone(in.Args)
	f.Watchdog = 30 * time.Second
	if cfg.Stop.Timeout > 0 {
		f.StopAfter = cfg.Stop.Timeout + 15*time.Second
	}
	for i, l := range cfg.Listen {
		if l.Network == "fd" {
			return errors.New("the settings have fd:// already; give the addresses of the socket unit with --bind")
		}
		s := Socket{Stream: l.Address}
		if l.Network == "unix" {
			s.Mode, s.User, s.Group = fmt.Sprintf("%04o", l.Mode.Perm()), l.User, l.Group
		} else if strings.HasPrefix(l.Address, ":") {
			s.Stream = strings.TrimPrefix(l.Address, ":") // every address, of both families
		}
		f.Sockets = append(f.Sockets, s)
		handed := config.Listen{Network: "fd", Address: fmt.Sprint(3 + i), Protocol: l.Protocol}
		f.Args = append(f.Args, "--bind", handed.String())
	}
	return nil
}

// writes collects the folders that the settings name: systemd makes all others read-only, and hides some.
func (f *File) writes(cfg *config.Config) {
	files := []string{cfg.Logs.Access, cfg.Logs.Error, cfg.Control.Socket, strings.TrimPrefix(cfg.Control.Metrics, "unix:")}
	var folders []string
	for _, file := range files {
		if filepath.IsAbs(file) {
			folders = append(folders, filepath.Dir(file)) // logs are rotated, sockets made
		}
	}
	folders = append(folders, cfg.Folders.Spool, cfg.Folders.Runtime)
	if f.User != "" {
		f.States = []string{f.Name} // certificates, and the list of standpipe deny
	}
	storage := cfg.ACME.Storage
	if storage == "redis" {
		storage = ""
	}
	for _, dir := range []string{cfg.Folders.State, storage, cfg.Cache.Dir} {
		state, isState := strings.CutPrefix(dir, "/var/lib/")
		cache, isCache := strings.CutPrefix(dir, "/var/cache/")
		switch {
		case f.User != "" && isState:
			f.States = appendNew(f.States, state)
		case f.User != "" && isCache:
			f.Caches = appendNew(f.Caches, cache)
		default:
			folders = append(folders, dir)
		}
	}
	for _, dir := range folders {
		if dir != "" && !within(dir, "/dev") && !within(dir, "/proc") {
			f.Writes = appendNew(f.Writes, dir)
		}
	}
	f.paths = append(slices.Clone(f.Writes), f.Dir, cfg.File)
	for i := range cfg.Static {
		f.paths = append(f.paths, cfg.Static[i].Dir)
	}
	for i := range cfg.Internal {
		f.paths = append(f.paths, cfg.Internal[i].Dir)
	}
	for i := range cfg.Apps {
		a := &cfg.Apps[i]
		f.paths = append(f.paths, a.Dir, a.Python, a.Venv, a.Interpreter.Path)
		f.paths = append(append(append(f.paths, a.EnvFile...), a.PythonPath...), a.Files.SendfileRoots...)
		for j := range a.Files.Static {
			f.paths = append(f.paths, a.Files.Static[j].Dir)
		}
	}
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

// inHome reports whether the settings name something below the homes, which systemd must not hide then.
func (f *File) inHome() bool { return f.names("/home", "/root", "/run/user") }

// inTmp reports whether the settings name something in a temporary folder, which a private one would hide.
func (f *File) inTmp() bool { return f.names("/tmp", "/var/tmp") }

func (f *File) names(folders ...string) bool {
	return slices.ContainsFunc(f.paths, func(path string) bool {
		return slices.ContainsFunc(folders, func(folder string) bool { return within(path, folder) })
	})
}

// systemd writes the service, the socket, or one after the other.
func systemd(p *page, f *File) {
	if f.Service {
		systemdService(p, f)
	}
	if f.Service && f.Socket {
		p.line("")
	}
	if f.Socket {
		systemdSocket(p, f)
	}
}

func systemdService(p *page, f *File) {
	p.textf(`
# /etc/systemd/system/%[1]s.service
# Made by "standpipe export systemd" from %[2]s. Then:
#   systemctl daemon-reload && systemctl enable --now %[1]s.socket %[1]s.service
[Unit]
Description=%[1]s, served by standpipe
After=network.target %[1]s.socket
Requires=%[1]s.socket

[Service]
# Ready when each app serves. A reload is a command, not systemd's SIGHUP (Type=notify-reload, which would come
# beside it and reload twice): so "systemctl reload" waits, and fails when the new code does not start.
Type=notify
`, f.Name, f.Source)
	systemdCommands(p, f)
	p.line("WorkingDirectory=%s", f.Dir)
	if f.User != "" {
		p.line("User=%s", f.User)
	} else {
		p.line("# No User=: standpipe drops root privileges by itself, once its addresses and logs are open.")
	}
	p.textf(`
RuntimeDirectory=%s
`, f.Name)
	systemdFolders(p, "State", f.States)
	systemdFolders(p, "Cache", f.Caches)
	p.textf(`
Restart=always
# The configuration is wrong: starting again does not help.
RestartPreventExitStatus=2
WatchdogSec=%d
# The stop is standpipe's: it lets requests finish and ends its workers. What is left then is killed.
KillMode=mixed
`, seconds(f.Watchdog))
	if f.StopAfter != 0 {
		p.line("# More than stop_timeout.")
		p.line("TimeoutStopSec=%d", seconds(f.StopAfter))
	} else {
		p.text(`
# stop_timeout is 0: no limit.
TimeoutStopSec=infinity
`)
	}
	p.text(`
# A control group of its own, for memory_max, cpu_max and pids_max.
Delegate=yes
LimitNOFILE=65536

`)
	systemdLimits(p, f)
	p.textf(`
# The folders that the app writes to:
#ReadWritePaths=/srv/%s/media

[Install]
WantedBy=multi-user.target
`, f.Name)
}

// systemdFolders has systemd make folders of /var/lib or /var/cache for the service's user alone.
func systemdFolders(p *page, kind string, folders []string) {
	if len(folders) == 0 {
		return
	}
	quoted := make([]string, len(folders))
	for i, folder := range folders {
		quoted[i] = quotePath(folder)
	}
	p.line("%sDirectory=%s", kind, strings.Join(quoted, " "))
	p.line("%sDirectoryMode=0700", kind)
}

// systemdCommands are those that start and reload standpipe.
func systemdCommands(p *page, f *File) {
	program := quoteUnit(f.Program)
	start := program + " serve"
	for _, arg := range f.Args {
		start += " " + quoteUnit(arg)
	}
	p.line("ExecStart=%s", start)
	switch f.Control {
	case "off":
		p.text(`
# There is no control socket, so the signal it is.
ExecReload=/bin/kill -HUP $MAINPID
`)
	case "":
		p.line("ExecReload=%s reload", program)
		p.line("Environment=STANDPIPE_CONTROL=%%t/%s/control.sock", f.Name)
	default:
		p.line("ExecReload=%s reload --control %s", program, quoteUnit(f.Control))
	}
}

// systemdLimits take rights from the service: fewer when standpipe starts as root, to drop root privileges by itself.
func systemdLimits(p *page, f *File) {
	p.line("# What an app mostly does without; each line can be left out.")
	if f.User != "" {
		p.text(`
NoNewPrivileges=yes
PrivateDevices=yes
RestrictSUIDSGID=yes
SystemCallFilter=@system-service
`)
	}
	p.line("ProtectSystem=strict")
	if f.inHome() {
		p.line("ProtectHome=read-only")
	} else {
		p.line("ProtectHome=yes")
	}
	if f.inTmp() {
		p.text(`
# The settings name folders in /tmp.
PrivateTmp=no
`)
	} else {
		p.line("PrivateTmp=yes")
	}
	p.text(`
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectClock=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictRealtime=yes
LockPersonality=yes
`)
	if len(f.Writes) > 0 {
		p.line("# Logs, bodies, sockets and stored answers, where the settings put them. The service's user must be able to write there.")
	}
	for _, folder := range f.Writes {
		p.line("ReadWritePaths=%s", quotePath(folder))
	}
}

func systemdSocket(p *page, f *File) {
	p.textf(`
# /etc/systemd/system/%[1]s.socket
# Made by "standpipe export systemd" from %[2]s.
# The addresses are open before standpipe runs, and stay open while it is restarted. Their order is that of
# --bind fd://3 and on in the service.
[Unit]
Description=The addresses of %[1]s

[Socket]
`, f.Name, f.Source)
	for _, s := range f.Sockets {
		p.line("ListenStream=%s", s.Stream)
	}
	for _, s := range f.Sockets {
		if s.Mode == "" {
			continue
		}
		p.line("SocketMode=%s", s.Mode)
		if s.User != "" {
			p.line("SocketUser=%s", s.User)
		}
		if s.Group != "" {
			p.line("SocketGroup=%s", s.Group)
		} else {
			p.text(`
# The group that may connect, beside the mode above: that of the web server in front.
#SocketGroup=www-data
`)
		}
	}
	p.text(`
Backlog=4096

[Install]
WantedBy=sockets.target
`)
}
