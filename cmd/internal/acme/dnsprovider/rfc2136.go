package dnsprovider

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/libdns/libdns"
	"github.com/miekg/dns"
)

// RFC2136 changes a zone by dynamic updates.
type RFC2136 struct {
	// Server is the zone's primary server, as host:port or host.
	Server string
	// KeyName, Key (base64) and Algorithm ("hmac-sha256") sign the updates; without a KeyName they are not signed.
	KeyName, Key, Algorithm string
}

// ErrUpdate: the server has refused an update.
var ErrUpdate = errors.New("the DNS server refused the update")

// AppendRecords is libdns.RecordAppender's.
func (p *RFC2136) AppendRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	return p.update(ctx, zone, records, (*dns.Msg).Insert)
}

// DeleteRecords is libdns.RecordDeleter's.
func (p *RFC2136) DeleteRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	return p.update(ctx, zone, records, (*dns.Msg).Remove)
}

func (p *RFC2136) update(ctx context.Context, zone string, records []libdns.Record, add func(*dns.Msg, []dns.RR)) ([]libdns.Record, error) {
	zone = dns.Fqdn(zone)
	m := new(dns.Msg).SetUpdate(zone)
	for _, record := range records {
		r := record.RR()
		if r.Type != "TXT" {
			return nil, fmt.Errorf("a %s record: only TXT records are set", r.Type)
		}
		add(m, []dns.RR{&dns.TXT{
			Hdr: dns.RR_Header{Name: dns.Fqdn(libdns.AbsoluteName(r.Name, zone)), Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: uint32(r.TTL / time.Second)},
			Txt: []string{r.Data},
		}})
	}
	// TCP: an answer that is lost would leave the update in doubt.
	client := &dns.Client{Net: "tcp", Timeout: 10 * time.Second}
	if p.KeyName != "" {
		algorithm := p.Algorithm
		if algorithm == "" {
			algorithm = "hmac-sha256"
		}
		name := dns.Fqdn(strings.ToLower(p.KeyName))
		client.TsigSecret = map[string]string{name: p.Key}
		m.SetTsig(name, dns.Fqdn(strings.ToLower(algorithm)), 300, time.Now().Unix())
	}
	server := p.Server
	if _, _, err := net.SplitHostPort(server); err != nil {
		server = net.JoinHostPort(strings.Trim(server, "[]"), "53")
	}
	answer, _, err := client.ExchangeContext(ctx, m, server)
	switch {
	case answer != nil && answer.Rcode == dns.RcodeNotAuth, errors.Is(err, dns.ErrSig), errors.Is(err, dns.ErrTime): // RFC 8945 5.2
		err = fmt.Errorf("%w: NOTAUTH: it knows no such key, or the time of this machine is wrong: compare acme_dns_key_name (%q), acme_dns_key and acme_dns_algorithm", ErrUpdate, p.KeyName)
	case err == nil && answer.Rcode != dns.RcodeSuccess:
		err = fmt.Errorf("%w: %s", ErrUpdate, dns.RcodeToString[answer.Rcode])
	}
	if err != nil {
		return nil, fmt.Errorf("updating %s at %s: %w", zone, server, err)
	}
	return records, nil
}
