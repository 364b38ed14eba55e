package run

import (
	"os"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/compose"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
	"github.com/standpipe/standpipe/supervisor/process"
)

// warnStart warns of what is legal and probably not intended.
func warnStart(log *logfile.Log, cfg *config.Config, addresses []string) {
	if os.Geteuid() == 0 && cfg.Account.User == "" {
		log.Warn("root", "message", "standpipe and its apps run as root: --user NAME drops root privileges once the addresses are open, --user root says that it is meant")
	}
	if port, only := loopbackOnly(addresses); only && compose.InContainer() {
		command := "-b 0.0.0.0" + port
		if cfg.Dev.On && cfg.Dev.Token == "" {
			command = "STANDPIPE_DEV_TOKEN=SECRET standpipe dev " + command
		}
		log.Warn("loopback_in_container", "message", "only this container can connect: "+command+" lets others")
	}
}

// loopbackOnly reports whether all addresses are loopback addresses; port is that of the
// first, with its colon.
func loopbackOnly(addresses []string) (port string, only bool) {
	for _, a := range addresses {
		if !strings.Contains(a, "://127.") && !strings.Contains(a, "://[::1]") {
			return "", false
		}
	}
	if len(addresses) == 0 {
		return "", false
	}
	return addresses[0][strings.LastIndexByte(addresses[0], ':'):], true
}

// warnShared names the apps that can control the server while other apps are separated from
// it: an app without a user of its own runs as the user that owns the control socket.
func warnShared(log *logfile.Log, cfg *config.Config) {
	var apart, shared []string
	for i := range cfg.Apps {
		if a := &cfg.Apps[i]; a.Confine.Identity != nil && (cfg.Account.Identity == nil || a.Confine.Identity.UID != cfg.Account.Identity.UID) {
			apart = append(apart, a.Name)
		} else {
			shared = append(shared, a.Name)
		}
	}
	if len(apart) == 0 || len(shared) == 0 || cfg.Control.Socket == "off" {
		return
	}
	log.Warn("control_socket_shared", "apps", strings.Join(shared, " "), "apart", strings.Join(apart, " "),
		"message", "these apps have no user of their own, so their code can use the control socket, which stops and reloads all apps: give them a `user`, or set control = \"off\"")
}

// adopt makes the processes that apps leave behind children of this process, and reaps
// them; stop ends that.
func adopt() (stop func()) {
	process.InheritOrphans()
	return process.ReapStrangers()
}

// tellSurvivors names the processes that have outlived the workers: the signals to a
// worker's process group do not reach a process that has called setsid. They are not
// killed: they may be meant to outlive the server.
func tellSurvivors(log *logfile.Log) {
	list := process.Survivors()
	if len(list) == 0 {
		return
	}
	pids, commands := make([]string, len(list)), make([]string, len(list))
	for i, p := range list {
		pids[i], commands[i] = strconv.Itoa(p.Pid), p.Command
	}
	log.Warn("processes_left", "pids", strings.Join(pids, " "), "commands", strings.Join(commands, "; "),
		"message", "processes that the apps started outlive this server: they have left the process group of their worker")
}
