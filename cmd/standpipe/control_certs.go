package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/cli"
	"github.com/standpipe/standpipe/cmd/internal/compose"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/exit"
)

const certsDescription = `Lists the certificates from files and the automatic ones (--https), each with its names, its issuer, the
days left, where it is from, the time of the next attempt and the last error. The running server answers;
without one, the list is what is stored for the settings of this folder.
certs renew obtains a new automatic one, however long the present one is valid, and waits for the CA.
certs trust installs the CA of localhost for this machine and its browsers, after asking; untrust removes it.`

// certsActions are the words after certs, and the flags that belong to them alone.
var certsActions = map[string][]string{"": {"json", "control"}, "renew": {"control"}, "trust": {"print", "yes", "only"}, "untrust": {"print", "yes", "only"}}

// certsCommand is that command, from one that finds the running server first.
func certsCommand(c *cli.Command) *cli.Command {
	c.Description = certsDescription
	running := c.Action
	c.Action = func(c *cli.Context) error {
		word := c.Arg(0)
		for _, f := range c.Command.Flags {
			if c.IsSet(f.Name) && !slices.Contains(certsActions[word], f.Name) {
				return cli.UsageError("%s takes no --%s", strings.TrimSpace("standpipe certs "+word), f.Name)
			}
		}
		switch word {
		case "trust":
			return trustCA(c, true)
		case "untrust":
			return trustCA(c, false)
		}
		err := running(c)
		if _, ok := errors.AsType[*noServer](err); ok && word == "" {
			return storedCerts(c)
		}
		return err
	}
	return c
}

// certs lists the certificates of the running server, or has it renew one.
func (s *controller) certs() error {
	if name := s.line.Arg(1); name != "" {
		return renewCertificate(s, name)
	}
	var list admin.Certificates
	if err := s.client.Get(s.ctx, "/v1/certificates", nil, &list); err != nil {
		return err
	}
	if s.line.Bool("json") {
		return writeJSON(s.line.App.Out, list)
	}
	if len(list.Certificates) == 0 {
		return s.say("this server has no certificates")
	}
	return printCertificates(s.line.App.Out, &list)
}

// storedTimeout bounds a look at a storage on another machine.
const storedTimeout = 10 * time.Second

// storedCerts lists what is stored for the settings of this folder.
func storedCerts(c *cli.Context) error {
	dir, err := os.Getwd()
	if err != nil {
		return exit.With(exit.Failed, err)
	}
	cfg, _, bad := config.Load(config.Input{Environ: os.Environ(), Dir: dir, Pid: os.Getpid()})
	ctx, cancel := context.WithTimeout(c.Context, storedTimeout)
	defer cancel()
	found, err := compose.StoredCertificates(ctx, cfg)
	list := admin.ListOf(found)
	if c.Bool("json") {
		if err := writeJSON(c.App.Out, list); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(c.App.Err, "no standpipe runs for %s; this is what is stored\n", printable(dir))
		if bad != nil && cfg.File != "" {
			fmt.Fprintf(c.App.Err, "%s has problems, and the list may lack what it means: standpipe check\n", printable(cfg.File))
		}
		if len(found) == 0 && err == nil {
			_, err := fmt.Fprintln(c.App.Out, "no certificate is stored")
			return err
		}
		if err := printCertificates(c.App.Out, list); err != nil {
			return err
		}
	}
	if err != nil {
		return exit.With(exit.Failed, err)
	}
	return nil
}

func printCertificates(out io.Writer, list *admin.Certificates) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAMES\tISSUER\tDAYS LEFT\tSOURCE\tNEXT ATTEMPT\tLAST ERROR")
	for _, c := range list.Certificates {
		days, next := "none yet", ""
		if c.DaysLeft != nil {
			days = strconv.Itoa(*c.DaysLeft)
		}
		if !c.Next.IsZero() {
			next = c.Next.Local().Format(time.DateTime)
		}
		row := []string{strings.Join(c.Names, ", "), c.Issuer, days, c.Source, next, c.Error}
		for i, cell := range row {
			if row[i] = strings.Join(strings.Fields(printable(cell)), " "); cell == "" {
				row[i] = "-"
			}
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

func renewCertificate(s *controller, name string) error {
	_, err := s.client.Post(s.ctx, "/v1/renew", admin.Order{Name: name})
	switch {
	case s.ctx.Err() != nil:
		fmt.Fprintln(s.line.App.Err, "the renewal continues; standpipe certs shows how it ends")
		return nil
	case err != nil:
		return err
	}
	return s.say("%s: renewed", name)
}
