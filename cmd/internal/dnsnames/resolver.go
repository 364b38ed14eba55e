package dnsnames

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// usualTime is for answers that name no time: those of the hosts file.
	usualTime = 30 * time.Second
	// shortest and longest bound the time of an answer: a time of 0 would ask all the time, and one of days would be no
	// time at all.
	shortest = time.Second
	longest  = 5 * time.Minute
)

// Resolver looks up names.
type Resolver struct {
	// Servers are DNS servers, host:port; none: those of the system.
	Servers []string

	next atomic.Uint32 // the server to ask
}

// Service is one server of an SRV record.
type Service struct {
	Host   string // without the dot at its end
	Port   uint16
	Weight int
	Backup bool // another one has a better priority
}

// Addresses returns the addresses of a host in their order, and for how long they count.
func (r *Resolver) Addresses(ctx context.Context, host string) ([]netip.Addr, time.Duration, error) {
	one, times := r.lookup()
	list, err := one.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, 0, times.named(err)
	}
	for i := range list {
		list[i] = list[i].Unmap()
	}
	slices.SortFunc(list, netip.Addr.Compare)
	return slices.Compact(list), times.value(), nil
}

// Services returns the servers of an SRV name, such as _http._tcp.example.org.
func (r *Resolver) Services(ctx context.Context, name string) (list []Service, _ time.Duration, err error) {
	one, times := r.lookup()
	_, records, err := one.LookupSRV(ctx, "", "", name)
	if err != nil {
		return nil, 0, times.named(err)
	}
	best := records[0].Priority // they are sorted
	for _, s := range records {
		list = append(list, Service{strings.TrimSuffix(s.Target, "."), s.Port, max(1, int(s.Weight)), s.Priority != best})
	}
	slices.SortFunc(list, func(a, b Service) int { return strings.Compare(a.Host, b.Host) })
	return list, times.value(), nil
}

// lookup is a resolver for one name, and what its answers say of their time.
func (r *Resolver) lookup() (*net.Resolver, *times) {
	t := &times{}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if n := len(r.Servers); n > 0 {
			address = r.Servers[int(r.next.Add(1)-1)%n]
			t.ask(address)
		}
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if u, ok := c.(*net.UDPConn); ok {
			return &packets{u, t}, nil
		}
		return &bytesOf{Conn: c, times: t}, nil
	}}, t
}
