package main

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/admin"
)

const certsDescription = `The running server answers: its certificates from files and its automatic ones (--https), each with its
names, its issuer, the days left, where it is from, the time of the next attempt and the last error.
certs renew obtains a new automatic one, however long the present one is valid, and waits for the CA.`

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
	w := tabwriter.NewWriter(s.line.App.Out, 0, 0, 2, ' ', 0)
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
