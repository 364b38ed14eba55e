package certs

import (
	"fmt"
	"strings"
	"time"
)

// Check reads certificates without serving them. bad is why a server could not start; doubtful
// is what clients would refuse, hosts without a certificate, and files that this user cannot read.
func Check(pairs []Pair, hosts []string) (bad, doubtful []string) {
	now := time.Now()
	var known []Info
	for _, p := range pairs {
		m, err := p.read()
		if unreadable(err) {
			doubtful = append(doubtful, fmt.Sprintf("the certificate in %s is not checked: %v", p.Cert, err))
			hosts = nil // it may be for any of them
			continue
		}
		if err != nil {
			bad = append(bad, err.Error())
			continue
		}
		c, err := m.parse()
		if err != nil {
			bad = append(bad, err.Error())
			continue
		}
		known = append(known, Info{Names: namesOf(c.Leaf)})
		doubtful = append(doubtful, doubts(c, p.Cert, now)...)
		if left := c.Leaf.NotAfter.Sub(now); left > 0 && left <= soon(c) {
			doubtful = append(doubtful, fmt.Sprintf("the certificate in %s expires on %s", p.Cert, c.Leaf.NotAfter.Format(time.DateOnly)))
		}
	}
	if missing := Missing(known, hosts); len(missing) > 0 && len(bad) == 0 {
		var names []string
		for _, i := range known {
			names = append(names, i.Names...)
		}
		doubtful = append(doubtful, Uncovered(missing, names))
	}
	return bad, doubtful
}

// Uncovered is the sentence for hosts without a certificate.
func Uncovered(hosts, names []string) string {
	return "no certificate is for the host " + strings.Join(hosts, ", ") + "; there are some for " + strings.Join(names, ", ")
}
