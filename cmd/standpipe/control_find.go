package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/admin/client"
	"github.com/standpipe/standpipe/cmd/internal/cli"
	"github.com/standpipe/standpipe/cmd/internal/compose"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/discover"
	"github.com/standpipe/standpipe/cmd/internal/exit"
)

// readsOnly reports whether a command changes nothing: it may ask any standpipe that this user can reach (but for ofFolder).
func readsOnly(c *cli.Context) bool {
	switch c.Command.Name {
	case "status", "top", "dump", "health":
		return true
	case "certs":
		return len(c.Args()) == 0
	case "deny":
		return c.Arg(0) == "list"
	case "maintenance":
		return c.Arg(0) == "status"
	}
	return false
}

// find returns the socket of the standpipe to control: the one that the flag, the variable or the configuration file of
// this folder names, else the one of this folder. A command that changes something never goes to the standpipe of another
// user or another folder, unless that is named.
func (s *controller) find(readsOnly bool) (string, error) {
	path := s.line.String("control")
	if path == "" {
		path = os.Getenv("STANDPIPE_CONTROL")
	}
	switch path {
	case "off":
		return "", exit.With(exit.Usage, errors.New("the control socket is off (STANDPIPE_CONTROL or --control); use signals"))
	case "":
	default:
		return path, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", exit.With(exit.Failed, fmt.Errorf("the current folder cannot be found: %w", err))
	}
	file := os.Getenv("STANDPIPE_CONFIG")
	if file == "" {
		file = discover.ConfigFile
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	set := os.Getenv("STANDPIPE_RUNTIME_DIR")
	named := config.Peek(file, "control")
	if named != "" && named != "off" {
		if _, err := client.Ask(s.ctx, named); err == nil || errors.Is(err, os.ErrPermission) {
			return named, nil
		}
	}
	dirs := compose.RuntimeDirs(set)
	if d := config.Peek(file, "runtime_dir"); d != "" && set == "" {
		dirs = append(dirs, d)
	}
	list, denied := client.Find(s.ctx, dirs)
	candidates := list
	if ofFolder(s.line.Command.Name, file) {
		candidates = slices.DeleteFunc(slices.Clone(list), func(i client.Instance) bool { return !i.Serves(dir) })
	}
	if one := choose(candidates, dir, os.Getuid(), readsOnly || set != ""); one != nil {
		return one.Path, nil
	}
	switch {
	case len(list) > 0:
		return "", exit.With(exit.Usage, errors.New(printable(listing(list, dir, s.line.Command.Name))))
	case len(denied) > 0:
		return "", fmt.Errorf("not permitted to use %s; --control-group and --control-mode of standpipe serve give others access", fewOf(denied))
	case named == "off":
		return "", &noServer{file + " says control = \"off\", and no standpipe answers elsewhere; use signals"}
	case named != "":
		dirs = append([]string{named}, dirs...)
	}
	return "", &noServer{fmt.Sprintf("no standpipe answers in %s; --control names its socket (control_socket in its log has the path), and STANDPIPE_RUNTIME_DIR the folder of one that was started with --runtime-dir", strings.Join(dirs, ", "))}
}

// fewOf names three of a list, and counts the others.
func fewOf(list []string) string {
	const some = 3
	if len(list) <= some+1 {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:some], ", "), len(list)-some)
}

// ofFolder reports whether a command is about the server of this folder alone, although it changes nothing: health in a folder with
// a configuration file would else say that all is well because another folder's server runs.
func ofFolder(command, file string) bool {
	if command != "health" {
		return false
	}
	_, err := os.Stat(file)
	return err == nil
}

// noServer is the error of find if no standpipe runs, and none was named.
type noServer struct{ text string }

func (e *noServer) Error() string { return e.text }

// choose returns the standpipe to control; nil: it is ambiguous, or must be named. any: the one of another user or another
// folder is accepted if there is only one.
func choose(list []client.Instance, dir string, uid int, any bool) *client.Instance {
	here := func(i client.Instance) bool { return i.Serves(dir) }
	own := func(i client.Instance) bool {
		// Root can use every socket. Other users can use another user's only if it gives them access (control_group).
		return i.IsOf(uid) || uid != 0
	}
	steps := []func(client.Instance) bool{func(i client.Instance) bool { return here(i) && own(i) }}
	if any {
		steps = append(steps, here, own, func(client.Instance) bool { return true })
	}
	for _, good := range steps {
		var found []client.Instance
		for _, i := range list {
			if good(i) {
				found = append(found, i)
			}
		}
		switch {
		case len(found) == 1:
			return &found[0]
		case len(found) > 1:
			return nil
		}
	}
	return nil
}

// listing lists the running ones, and says how to name one.
func listing(list []client.Instance, dir, command string) string {
	text := "several standpipes are running"
	if !slices.ContainsFunc(list, func(i client.Instance) bool { return i.Serves(dir) }) {
		text = "no standpipe is running for " + dir + ", but elsewhere"
	} else if len(list) == 1 {
		text = "the standpipe of " + dir + " belongs to another user"
	}
	text += "; name one: standpipe " + command + " --control SOCKET"
	for _, i := range list {
		var apps []string
		for _, a := range i.Status.Apps {
			apps = append(apps, a.Name)
		}
		text += fmt.Sprintf("\n  %s  pid %d  user %s  %s  %s", i.Path, i.Status.Pid, userNames(i.Users), strings.Join(apps, ","), strings.Join(i.Status.Addresses, " "))
		if len(i.Status.Folders) > 0 {
			text += "  in " + strings.Join(i.Status.Folders, ", ")
		}
	}
	return text
}

// userNames are the users by name, where they have one.
func userNames(uids []int) string {
	var names []string
	for _, uid := range uids {
		name := strconv.Itoa(uid)
		if u, err := user.LookupId(name); err == nil {
			name = u.Username
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}
