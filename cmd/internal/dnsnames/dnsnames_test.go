package dnsnames

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/standpipe/standpipe/integration/testdns"
)

func TestResolver(t *testing.T) {
	t.Parallel()
	s := testdns.New(t, "example.org")
	r := &Resolver{Servers: []string{s.Addr}}
	s.Host("up.example.org", netip.MustParseAddr("127.0.0.3"), netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("::1"))
	list, d, err := r.Addresses(t.Context(), "up.example.org.")
	if err != nil || fmt.Sprint(list) != "[127.0.0.2 127.0.0.3 ::1]" || d != time.Second {
		t.Errorf("%v for %v, %v", list, d, err)
	}
	if list, d, err := r.Addresses(context.Background(), "localhost"); err != nil || len(list) == 0 || d != usualTime {
		t.Errorf("of the hosts file: %v for %v, %v", list, d, err)
	}
	s.Service("_http._tcp.example.org", net.SRV{Target: "b.example.org", Port: 81, Priority: 2, Weight: 7}, net.SRV{Target: "a.example.org", Port: 80, Priority: 1, Weight: 0})
	services, d, err := r.Services(t.Context(), "_http._tcp.example.org.")
	if err != nil || fmt.Sprint(services) != "[{a.example.org 80 1 false} {b.example.org 81 7 true}]" || d != time.Second {
		t.Errorf("%v for %v, %v", services, d, err)
	}
	var many []netip.Addr // too many for a packet: they come by TCP
	for i := range 200 {
		many = append(many, netip.AddrFrom4([4]byte{127, 1, 0, byte(i)}))
	}
	s.Host("many.example.org", many...)
	if list, d, err := r.Addresses(t.Context(), "many.example.org."); err != nil || len(list) != 200 || d != time.Second {
		t.Errorf("%d for %v, %v", len(list), d, err)
	}
	if _, _, err := r.Addresses(t.Context(), "nobody.example.net."); err == nil {
		t.Error("a name without addresses has some")
	}
}

func FuzzLeastTime(f *testing.F) {
	m := new(dns.Msg).SetQuestion("a.", dns.TypeA)
	m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "a.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 7}, A: net.IPv4(127, 0, 0, 1)}}
	packed, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Fuzz(func(t *testing.T, b []byte) {
		var x times
		x.see(b)
		if d := x.value(); d < shortest || d > longest {
			t.Errorf("%x: %v", b, d)
		}
	})
}
