package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/cli"
	"github.com/standpipe/standpipe/cmd/internal/exit"
	"github.com/standpipe/standpipe/cmd/internal/localca"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
	"github.com/standpipe/standpipe/cmd/internal/truststore"
)

// trustCA installs the local CA for this machine and its browsers, or removes it, after asking.
func trustCA(c *cli.Context, install bool) error {
	only := c.String("only")
	if only != "" && only != "system" && only != "browsers" {
		return cli.UsageError("--only %s: write system or browsers", only)
	}
	ca, err := caToTrust(install && !c.Bool("print"))
	if err != nil {
		return exit.With(exit.Failed, err)
	}
	machine := thisMachine()
	stores, missing := machine.Stores(truststore.CA{Path: ca.Path, Name: ca.Name() + " " + ca.ID(), Serial: fmt.Sprintf("%x", ca.Cert.SerialNumber)})
	t := &trusting{Context: c, install: install, sudo: machine.Look("sudo") != "" || machine.IsRoot}
	for _, s := range stores {
		switch {
		case only != "" && s.Browser != (only == "browsers"):
		case s.Installed == install && !s.Unsure:
			t.done = append(t.done, s.Name)
		default:
			t.todo = append(t.todo, s)
		}
	}
	if install {
		for _, text := range missing {
			fmt.Fprintln(c.App.Err, "note:", text)
		}
	}
	return t.run(ca)
}

// caToTrust is the user's CA.
func caToTrust(create bool) (*localca.Authority, error) {
	dir := localca.Folder(runtime.GOOS, os.Getenv)
	if dir == "" {
		return nil, errors.New("there is no folder for the local CA; set HOME or XDG_DATA_HOME")
	}
	if create {
		ca, _, err := localca.Open(dir)
		return ca, err
	}
	ca, err := localca.Read(dir)
	if errors.Is(err, localca.ErrNone) {
		err = fmt.Errorf("%w; standpipe serve --https localhost makes it", err)
	}
	return ca, err
}

func thisMachine() *truststore.System {
	home, _ := os.UserHomeDir()
	return &truststore.System{
		OS: runtime.GOOS, Files: os.DirFS("/"), Home: home, Data: os.Getenv("XDG_DATA_HOME"), IsRoot: os.Geteuid() == 0,
		Look: func(program string) string {
			path, err := exec.LookPath(program)
			if err != nil {
				return ""
			}
			return path
		},
		Run: func(args ...string) error { return exec.Command(args[0], args[1:]...).Run() },
	}
}

// trusting is one such command.
type trusting struct {
	*cli.Context
	install bool
	sudo    bool // commands can be run as root
	todo    []truststore.Store
	done    []string // names of stores that need nothing
}

func (t *trusting) run(ca *localca.Authority) error {
	comment := ""
	if t.Bool("print") {
		comment = "# " // a shell may read this
	}
	switch {
	case len(t.todo) == 0 && len(t.done) == 0:
		return exit.With(exit.Failed, errors.New("there is no store of CAs to change; the certificate is in "+ca.Path))
	case len(t.todo) == 0 && t.install:
		return t.say("%s%s is trusted already by %s", comment, ca.Name(), strings.Join(t.done, ", "))
	case len(t.todo) == 0:
		return t.say("%s%s is not trusted by %s", comment, ca.Name(), strings.Join(t.done, ", "))
	case t.Bool("print"):
		for _, s := range t.todo {
			for _, command := range t.commands(s) {
				if err := t.say("%s", command); err != nil {
					return err
				}
			}
		}
		return nil
	}
	t.explain(ca)
	if agreed, err := t.ask(); err != nil || !agreed {
		return err
	}
	var failed []string
	for _, s := range t.todo {
		if err := t.change(s); err != nil {
			failed = append(failed, fmt.Sprintf("%s: %v", s.Name, err))
		}
	}
	if len(failed) > 0 {
		return exit.With(exit.Failed, errors.New(strings.Join(failed, "\nstandpipe: ")))
	}
	if t.install {
		return t.say("%s is trusted; restart browsers that are open", ca.Name())
	}
	return t.say("%s is not trusted any more; its files are in %s", ca.Name(), strings.TrimSuffix(ca.Path, "/ca.pem"))
}

func (t *trusting) say(format string, args ...any) error {
	_, err := fmt.Fprintln(t.App.Out, printable(fmt.Sprintf(format, args...)))
	return err
}

func (t *trusting) commands(s truststore.Store) []truststore.Command {
	if t.install {
		return s.Install
	}
	return s.Remove
}

// explain says what the commands do.
func (t *trusting) explain(ca *localca.Authority) {
	out := t.App.Err
	what := "will be trusted by"
	if !t.install {
		what = "will not be trusted any more by"
	}
	fmt.Fprintf(out, "%s (%s) %s:\n", printable(ca.Name()), printable(ca.Path), what)
	for _, s := range t.todo {
		fmt.Fprintf(out, "  %s\n", printable(s.Name))
		for _, command := range t.commands(s) {
			fmt.Fprintf(out, "    %s\n", printable(command.String()))
		}
	}
	if t.install {
		fmt.Fprintln(out, "It is for localhost, the names below it, and loopback addresses; clients refuse what it signs for other names.")
	}
	if name := os.Getenv("SUDO_USER"); name != "" && name != "root" && os.Geteuid() == 0 {
		fmt.Fprintf(out, "note: this is the CA of root; for that of %s run the command without sudo: it uses sudo where it is needed\n", printable(name))
	}
}

// ask waits for the answer of a person.
func (t *trusting) ask() (agreed bool, err error) {
	if t.Bool("yes") {
		return true, nil
	}
	if !logfile.IsTerminal(os.Stdin) {
		return false, exit.With(exit.Usage, errors.New("nothing is changed: there is no terminal to ask at; --yes agrees, and --print shows the commands alone"))
	}
	fmt.Fprint(t.App.Err, "Continue? [y/N] ")
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true, nil
	}
	fmt.Fprintln(t.App.Err, "nothing is changed")
	return false, exit.Silent(exit.Failed)
}

// change runs the commands of a store.
func (t *trusting) change(s truststore.Store) error {
	for _, command := range t.commands(s) {
		args := command.Args
		if command.Root {
			if !t.sudo {
				return fmt.Errorf("it takes root, and sudo is not installed; run as root: %s", strings.TrimPrefix(command.String(), "sudo "))
			}
			args = append([]string{"sudo"}, args...)
		}
		cmd := exec.CommandContext(t.Context.Context, args[0], args[1:]...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, t.App.Err, t.App.Err
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
	}
	return nil
}
