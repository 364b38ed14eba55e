package main

import (
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/supervisor/process"
)

// adopt has what the apps leave behind become our children, and reaps them; stop ends it.
func adopt() (stop func()) {
	process.InheritOrphans()
	return process.ReapStrangers()
}

// tellSurvivors names the processes that have outlived the workers: a process that calls
// setsid is out of reach of the signals to its worker's group. They are not killed: they
// may be meant to live on.
func (s *serving) tellSurvivors() {
	list := process.Survivors()
	if len(list) == 0 {
		return
	}
	pids, commands := make([]string, len(list)), make([]string, len(list))
	for i, p := range list {
		pids[i], commands[i] = strconv.Itoa(p.Pid), p.Command
	}
	s.log.Warn("processes_left", "pids", strings.Join(pids, " "), "commands", strings.Join(commands, "; "),
		"message", "processes that the apps have started outlive this server: they have left their worker's process group")
}

// warnShared names the apps that can steer the server, beside apps that are kept apart
// from it: without a user of its own an app runs as the user that owns the control socket.
func (s *serving) warnShared() {
	var apart, shared []string
	for i := range s.cfg.Apps {
		if a := &s.cfg.Apps[i]; a.Confine.Identity != nil && (s.cfg.Account.Identity == nil || a.Confine.Identity.UID != s.cfg.Account.Identity.UID) {
			apart = append(apart, a.Name)
		} else {
			shared = append(shared, a.Name)
		}
	}
	if len(apart) == 0 || len(shared) == 0 || s.cfg.Control.Socket == "off" {
		return
	}
	s.log.Warn("control_socket_shared", "apps", strings.Join(shared, " "), "apart", strings.Join(apart, " "),
		"message", "these apps have no user of their own, so their code can use the control socket, which stops and reloads all apps: give them a `user`, or set control = \"off\"")
}
