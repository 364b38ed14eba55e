// Package testdns is the DNS server of tests: it has one zone and answers for each name in it with 127.0.0.1 or what a test says, and it takes signed
// updates (RFC 2136). No program imports it.
package testdns

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Server is a running server, by UDP and TCP on one port.
type Server struct {
	Addr string // host:port
	Zone string // with the dot at its end

	t       testing.TB
	mu      sync.Mutex
	txt     map[string][]string
	hosts   map[string][]netip.Addr
	srv     map[string][]net.SRV
	asked   map[string]int
	hidden  bool
	refused bool
	seen    []string
}

// KeyName and Key are those of the key that signs updates, with HMAC-SHA256.
const (
	KeyName = "update.key."
	Key     = "c2VjcmV0IG9mIHRoZSB0ZXN0cyBmb3IgdXBkYXRlcw=="
)

// New starts a server that ends with the test.
func New(t testing.TB, zone string) *Server {
	t.Helper()
	s := &Server{Zone: dns.Fqdn(zone), t: t, txt: map[string][]string{}, hosts: map[string][]netip.Addr{}, srv: map[string][]net.SRV{}, asked: map[string]int{}}
	var tcp net.Listener
	var udp net.PacketConn
	for udp == nil { // a port that both have
		var err error
		if tcp, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		if udp, err = net.ListenPacket("udp", tcp.Addr().String()); err != nil {
			udp = nil
			tcp.Close()
		}
	}
	s.Addr = tcp.Addr().String()
	for _, server := range []*dns.Server{{Listener: tcp}, {PacketConn: udp}} {
		started, ended := make(chan struct{}), make(chan struct{})
		server.Handler, server.TsigSecret = dns.HandlerFunc(s.serve), map[string]string{KeyName: Key}
		server.MsgAcceptFunc = func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept } // the default one refuses updates
		server.NotifyStartedFunc = func() { close(started) }
		go func() { _ = server.ActivateAndServe(); close(ended) }()
		<-started
		t.Cleanup(func() { _ = server.Shutdown(); <-ended })
	}
	return s
}

// Hide keeps the records from being seen, as a server that has not got them yet.
func (s *Server) Hide(hidden bool) { s.mu.Lock(); s.hidden = hidden; s.mu.Unlock() }

// Refuse refuses updates.
func (s *Server) Refuse(refused bool) { s.mu.Lock(); s.refused = refused; s.mu.Unlock() }

// Set adds a TXT record, or removes it.
func (s *Server) Set(name, value string, add bool) {
	name = strings.ToLower(dns.Fqdn(name))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.txt[name] = slices.DeleteFunc(s.txt[name], func(v string) bool { return v == value })
	if add {
		s.txt[name] = append(s.txt[name], value)
		s.seen = append(s.seen, name)
	}
}

// Host gives a name these addresses, in place of 127.0.0.1.
func (s *Server) Host(name string, list ...netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosts[strings.ToLower(dns.Fqdn(name))] = list
}

// Service gives a name these servers.
func (s *Server) Service(name string, list ...net.SRV) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.srv[strings.ToLower(dns.Fqdn(name))] = list
}

// Asked is how often a name was asked for.
func (s *Server) Asked(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[strings.ToLower(dns.Fqdn(name))]
}

// Left is how many records there are now.
func (s *Server) Left() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, list := range s.txt {
		n += len(list)
	}
	return n
}

// Seen are the names that had a record.
func (s *Server) Seen() []string { s.mu.Lock(); defer s.mu.Unlock(); return slices.Clone(s.seen) }

func (s *Server) serve(w dns.ResponseWriter, m *dns.Msg) {
	answer := new(dns.Msg).SetReply(m)
	answer.Authoritative = true
	if m.Opcode == dns.OpcodeUpdate {
		s.update(w, m, answer)
	} else if len(m.Question) == 1 {
		s.answer(m.Question[0], answer)
	}
	if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
		size := dns.MinMsgSize
		if o := m.IsEdns0(); o != nil {
			size = int(o.UDPSize())
		}
		answer.Truncate(size)
	}
	if err := w.WriteMsg(answer); err != nil {
		s.t.Logf("the DNS server: %v", err)
	}
}

func (s *Server) update(w dns.ResponseWriter, m, answer *dns.Msg) {
	s.mu.Lock()
	refused := s.refused
	s.mu.Unlock()
	switch {
	case m.IsTsig() == nil || w.TsigStatus() != nil:
		answer.Rcode = dns.RcodeNotAuth
		return
	case refused:
		answer.Rcode = dns.RcodeRefused
	case len(m.Question) != 1 || !strings.EqualFold(m.Question[0].Name, s.Zone):
		answer.Rcode = dns.RcodeNotZone
	default:
		for _, r := range m.Ns {
			if txt, ok := r.(*dns.TXT); ok {
				s.Set(txt.Hdr.Name, strings.Join(txt.Txt, ""), txt.Hdr.Class == dns.ClassINET)
			}
		}
	}
	answer.SetTsig(KeyName, dns.HmacSHA256, 300, time.Now().Unix())
}

func (s *Server) answer(q dns.Question, answer *dns.Msg) {
	name := strings.ToLower(q.Name)
	head := func(t uint16) dns.RR_Header {
		return dns.RR_Header{Name: q.Name, Rrtype: t, Class: dns.ClassINET, Ttl: 1}
	}
	if name != s.Zone && !strings.HasSuffix(name, "."+s.Zone) {
		answer.Rcode = dns.RcodeNameError
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case q.Qtype == dns.TypeSOA && name == s.Zone:
		answer.Answer = append(answer.Answer, &dns.SOA{Hdr: head(dns.TypeSOA), Ns: "ns." + s.Zone, Mbox: "admin." + s.Zone, Serial: 1, Refresh: 1, Retry: 1, Expire: 1, Minttl: 1})
	case q.Qtype == dns.TypeSRV:
		for _, v := range s.srv[name] {
			answer.Answer = append(answer.Answer, &dns.SRV{Hdr: head(dns.TypeSRV), Priority: v.Priority, Weight: v.Weight, Port: v.Port, Target: dns.Fqdn(v.Target)})
		}
	case (q.Qtype == dns.TypeA || q.Qtype == dns.TypeAAAA) && s.hosts[name] != nil:
		s.asked[name]++
		for _, a := range s.hosts[name] {
			switch {
			case a.Is4() && q.Qtype == dns.TypeA:
				answer.Answer = append(answer.Answer, &dns.A{Hdr: head(dns.TypeA), A: a.AsSlice()})
			case a.Is6() && q.Qtype == dns.TypeAAAA:
				answer.Answer = append(answer.Answer, &dns.AAAA{Hdr: head(dns.TypeAAAA), AAAA: a.AsSlice()})
			}
		}
	case q.Qtype == dns.TypeA:
		answer.Answer = append(answer.Answer, &dns.A{Hdr: head(dns.TypeA), A: net.IPv4(127, 0, 0, 1)})
	case q.Qtype == dns.TypeTXT && !s.hidden:
		for _, value := range s.txt[name] {
			answer.Answer = append(answer.Answer, &dns.TXT{Hdr: head(dns.TypeTXT), Txt: []string{value}})
		}
	}
}
