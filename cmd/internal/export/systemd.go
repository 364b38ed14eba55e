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
	for _, dir := range append(folders, cfg.Folders.Spool, cfg.Folders.Runtime) {
		if dir != "" && !within(dir, "/dev") && !within(dir, "/proc") && !slices.Contains(f.Writes, dir) {
			f.Writes = append(f.Writes, dir)
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

func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

// InHome reports whether the settings name something below the homes, which systemd must not hide then.
func (f *File) InHome() bool { return f.names("/home", "/root", "/run/user") }

// InTmp reports whether the settings name something in a temporary folder, which a private one would hide.
func (f *File) InTmp() bool { return f.names("/tmp", "/var/tmp") }

func (f *File) names(folders ...string) bool {
	return slices.ContainsFunc(f.paths, func(path string) bool {
		return slices.ContainsFunc(folders, func(folder string) bool { return within(path, folder) })
	})
}
