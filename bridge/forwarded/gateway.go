package forwarded

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// gateway is the ResponseWriter of a protocol in which a server in front describes its
// client.
type gateway interface {
	// Gateway is the description.
	Gateway() *cgi.Gateway
	// Resets: it can tell an answer that was cut off from a whole one.
	Resets() bool
}

// relayed takes from a trusted server in front who the client is, which scheme and name it
// used, and further variables for the environ. That client is the peer from then on: its
// X-Forwarded-For counts when it is a trusted proxy. From a peer that is not trusted nothing
// is taken: the variables might name a user.
func (f *forwarder) relayed(n *httpx.RequestInfo, from gateway) {
	g := from.Gateway()
	n.Unseen = !from.Resets()
	if !n.Trusted {
		f.warnGateway(n, g)
		return
	}
	n.Peer, n.Trusted, n.RemoteAddr, n.RemotePort = netip.AddrPort{}, false, "", ""
	if a, ok := address(g.RemoteAddr); ok {
		port, _ := strconv.ParseUint(g.RemotePort, 10, 16)
		n.Peer, n.RemoteAddr = netip.AddrPortFrom(a, uint16(port)), a.String()
		if port > 0 {
			n.RemotePort = g.RemotePort
		}
		n.Trusted = f.trust.Addr(a)
	} else if g.RemoteAddr == "unix:" { // how nginx writes a client on a unix socket
		n.Trusted = f.trust.Peer(netip.Addr{})
	}
	if g.Scheme != "" {
		n.Scheme = g.Scheme
	}
	if g.ServerName != "" {
		n.ServerName, n.Named = g.ServerName, true
	}
	if digits(g.ServerPort) {
		n.ServerPort = g.ServerPort
	}
	n.ScriptName, n.Extra = g.ScriptName, g.Extra
}

// warnGateway writes a record of what was ignored, once an hour for each peer.
func (f *forwarder) warnGateway(n *httpx.RequestInfo, g *cgi.Gateway) {
	peer := peerName(n)
	if !f.limit.Allow("uwsgi "+peer, time.Now()) {
		return
	}
	names := make([]string, len(g.Extra))
	for i, v := range g.Extra {
		names[i] = v.Name
	}
	f.log.Warn("uwsgi_ignored", "peer", peer, "remote_addr", g.RemoteAddr, "variables", strings.Join(names, ", "), "id", n.ID,
		"message", peer+" speaks uwsgi and is not a trusted proxy: the app sees "+peer+" as its client, and none of these variables. If this is your web server: --trusted-proxies "+peer)
}
