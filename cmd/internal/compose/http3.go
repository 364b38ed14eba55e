package compose

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"sync/atomic"

	"github.com/standpipe/standpipe/bridge/h3"
	"github.com/standpipe/standpipe/bridge/https"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/listen"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
)

// keptQUIC is the name of what one process passes to the next in an upgrade.
const keptQUIC = "quic"

// overUDP is HTTP/3, at the addresses that have it. The methods of nil do nothing: none has it.
type overUDP struct {
	keys *h3.Keys
	log  *logfile.Log
	all  map[int]*udpAddress // by the index of the address
}

// udpAddress is an address with HTTP/3.
type udpAddress struct {
	wanted config.Listen
	server *h3.Server
	alt    *atomic.Pointer[string] // the value of Alt-Svc while the socket is served
	socket *h3.Socket              // nil: not open yet
}

// newOverUDP makes it, without addresses.
func newOverUDP(cfg *config.Config, kept func(string) []byte, log *logfile.Log) (*overUDP, error) {
	if !slices.ContainsFunc(cfg.Listen, func(l config.Listen) bool { return l.HTTP3 }) {
		return nil, nil
	}
	keys, err := h3.NewKeys(kept(keptQUIC))
	return &overUDP{keys: keys, log: log, all: map[int]*udpAddress{}}, err
}

// add adds an address, by its index: h gets the requests, s has the certificates, and g counts the connections.
func (o *overUDP) add(cfg *config.Config, i int, h http.Handler, s *https.Server, alt *atomic.Pointer[string], g *listen.Group, pace func() *httpx.Pace) {
	o.all[i] = &udpAddress{wanted: cfg.Listen[i], alt: alt, server: h3.New(h, h3.Options{
		TLS: s.QUIC(), Keys: o.keys, HeaderTimeout: cfg.Limits.HeaderTimeout, IdleTimeout: cfg.Limits.IdleTimeout,
		Pace: pace, Admit: g.Admit, Crowded: g.Crowded, Log: o.log,
	})}
}

// Names of what is handed over beside an address.
func udpName(w config.Listen) string   { return w.String() + " (UDP)" }
func relayName(w config.Listen) string { return w.String() + " (connections of the old process)" }

// bind opens the socket of an address, by its index, whose listener is beside.
func (o *overUDP) bind(i int, spec listen.Spec, beside net.Listener, take func(string) *os.File) error {
	a := o.all[i]
	w := a.wanted
	var udp *net.UDPConn
	var err error
	var before *os.File
	if f := taken(take, udpName(w)); f != nil {
		before = taken(take, relayName(w))
		udp, err = listen.InheritPacket(f, spec)
	} else {
		udp, err = listen.ListenPacket(spec, beside)
	}
	if err != nil {
		if before != nil {
			before.Close()
		}
		return err
	}
	if a.socket, err = h3.NewSocket(udp, o.keys, before); err != nil {
		udp.Close()
	}
	return err
}

func taken(take func(string) *os.File, name string) *os.File {
	if take == nil {
		return nil
	}
	return take(name)
}

// accept has the sockets served, by run, until the end.
func (o *overUDP) accept(run func(func())) {
	if o == nil {
		return
	}
	for _, a := range o.all {
		address := a.socket.Addr().(*net.UDPAddr)
		value := fmt.Sprintf(`h3=":%d"; ma=86400`, address.Port)
		a.alt.Store(&value)
		run(func() { // ends with close
			if err := a.server.Serve(a.socket); err != nil {
				a.alt.Store(nil)
				o.log.Error("listener_failed", "address", udpName(a.wanted), "error", err)
			}
		})
	}
}

// files are the sockets for another process, and what it passes packets on by.
func (o *overUDP) files() (list []Handed, err error) {
	if o == nil {
		return nil, nil
	}
	for _, a := range o.all {
		f, err := listen.PacketFile(a.socket.UDP())
		if err != nil {
			return list, err
		}
		list = append(list, Handed{udpName(a.wanted), f})
		relay, err := a.socket.Pair()
		if err != nil {
			return list, err
		}
		if relay != nil {
			list = append(list, Handed{relayName(a.wanted), relay})
		}
	}
	return list, nil
}

// yield has another process read the sockets; reclaim undoes it.
func (o *overUDP) yield() {
	if o != nil {
		for _, a := range o.all {
			a.socket.Yield()
		}
	}
}

func (o *overUDP) reclaim() {
	if o != nil {
		for _, a := range o.all {
			a.socket.Reclaim()
		}
	}
}

func (o *overUDP) leave() {
	if o != nil {
		for _, a := range o.all {
			a.server.Leave()
		}
	}
}

func (o *overUDP) shutdown(ctx context.Context) error {
	if o == nil {
		return nil
	}
	var errs []error
	o.leave()
	for _, a := range o.all {
		errs = append(errs, a.server.Shutdown(ctx))
	}
	return errors.Join(errs...)
}

// close closes connections and sockets at once.
func (o *overUDP) close() {
	if o == nil {
		return
	}
	for _, a := range o.all {
		_ = a.server.Close()
		if a.socket != nil {
			a.socket.Close() // if accept has not given it to the server
		}
	}
}

// keep is for the process of an upgrade.
func (o *overUDP) keep() []byte {
	if o == nil {
		return nil
	}
	return o.keys.Keep()
}
