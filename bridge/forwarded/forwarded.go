package forwarded

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// claim reports whether a proxy describes the client in this field.
func claim(field string) bool {
	if field == "" {
		return false
	}
	switch field[0] {
	case 'X', 'F':
	case 'C', 'T': // Cf-, True-: not Cookie, Connection, Cache-Control, Te
		if len(field) < 2 || field[1] != 'f' && field[1] != 'r' {
			return false
		}
	default: // most fields of most requests
		return false
	}
	return field == "Forwarded" || strings.HasPrefix(field, "X-Forwarded-") || slices.Contains(addressFields, field) || slices.Contains(schemeFields, field)
}

// apply changes r.Header, r.Host and the RequestInfo. It returns how many fields the request came with, each value of a
// repeated name counted.
func (f *forwarder) apply(n *httpx.RequestInfo, r *http.Request) (count int) {
	var claimed []string
	for field, values := range r.Header {
		count += len(values)
		if claim(field) {
			claimed = append(claimed, field)
		}
	}
	switch {
	case claimed == nil:
	case n.Trusted:
		f.believe(n, r, claimed)
	default:
		for _, field := range claimed {
			delete(r.Header, field)
		}
		f.warn(n, claimed)
	}
	return count
}

// warn names the fields that were removed, once an hour for each peer.
func (f *forwarder) warn(n *httpx.RequestInfo, removed []string) {
	peer := peerName(n)
	if !f.limit.Allow(peer, time.Now()) {
		return
	}
	slices.Sort(removed)
	f.log.Warn("forwarded_ignored", "peer", peer, "fields", strings.Join(removed, ", "), "id", n.ID,
		"message", peer+" sent "+strings.Join(removed, ", ")+"; removed: the app sees "+n.Scheme+" and "+peer+
			". If this is your proxy: --trusted-proxies "+peer)
}

// warnFields is warn for a trusted peer.
func (f *forwarder) warnFields(n *httpx.RequestInfo, removed []string) {
	peer := peerName(n)
	if !f.limit.Allow("fields "+peer, time.Now()) {
		return
	}
	slices.Sort(removed)
	f.log.Warn("forwarded_ignored", "peer", peer, "fields", strings.Join(removed, ", "), "id", n.ID,
		"message", peer+" sent "+strings.Join(removed, ", ")+"; removed, because a proxy passes on fields that it does not write: they may be the client's. If this proxy writes them: --trusted-fields "+
			f.fields.with(removed))
}

func peerName(n *httpx.RequestInfo) string {
	if !n.Peer.IsValid() {
		return "unix"
	}
	return n.Peer.Addr().String()
}

// believe is apply for a trusted peer.
func (f *forwarder) believe(n *httpx.RequestInfo, r *http.Request, claimed []string) {
	h := r.Header
	var aside http.Header // what does not count
	for _, field := range claimed {
		if !f.fields.counts(field) {
			if aside == nil {
				aside = make(http.Header)
			}
			aside[field] = h[field]
			delete(h, field)
		}
	}
	var client netip.Addr
	hops, kept := 0, 0
	if fw := h["Forwarded"]; fw != nil {
		client = f.forwarded(n, r, strings.Join(fw, ","))
	}
	if xff := h["X-Forwarded-For"]; xff != nil {
		list := items(xff)
		hops = len(list)
		client, kept = f.walk(list)
		set(h, "X-Forwarded-For", strings.Join(list[hops-kept:], ", "))
	}
	for _, field := range addressFields {
		if v := h[field]; v != nil && !client.IsValid() {
			client, _ = address(one(v))
		}
	}
	if client.IsValid() {
		n.RemoteAddr, n.RemotePort = client.String(), ""
	}
	for _, field := range f.fields.more { // a field that repeats the address gets the one that was found
		if h[field] != nil && slices.Contains(addressFields, field) {
			set(h, field, ifValid(client, n.RemoteAddr))
		}
	}
	if s := f.scheme(h, hops, kept); s != "" {
		n.Scheme = s
	}
	f.location(n, r, hops, kept)
	if aside != nil {
		f.agreeing(n, r, aside, client)
	}
}

// location reads by which host, port and prefix the client came.
func (f *forwarder) location(n *httpx.RequestInfo, r *http.Request, hops, kept int) {
	h := r.Header
	if v := h["X-Forwarded-Host"]; v != nil {
		host := aligned(items(v), hops, kept)
		if !hostOK(host) {
			host = ""
		} else {
			r.Host = host
			if port := portOf(host); port != "" {
				n.ServerPort = port
			} else {
				n.ServerPort = defaultPort(n.Scheme)
			}
		}
		set(h, "X-Forwarded-Host", host)
	}
	if v := h["X-Forwarded-Port"]; v != nil {
		port := aligned(items(v), hops, kept)
		if !digits(port) {
			port = ""
		} else {
			n.ServerPort = port
		}
		set(h, "X-Forwarded-Port", port)
	}
	if v := h["X-Forwarded-Prefix"]; v != nil {
		p := strings.TrimRight(aligned(items(v), hops, kept), "/")
		if p != "" && (p[0] != '/' || strings.HasPrefix(p, "//") || strings.ContainsAny(p, "?#\\\x00") || strings.Contains(p+"/", "/../") || strings.Contains(p+"/", "/./")) {
			p = ""
		}
		n.Prefix = p
		set(h, "X-Forwarded-Prefix", p)
	}
}

// agreeing restores those fields that do not count whose value is known anyway. A record names the others.
func (f *forwarder) agreeing(n *httpx.RequestInfo, r *http.Request, aside http.Header, client netip.Addr) {
	var removed []string
	for field, v := range aside {
		value := one(v)
		same := false
		switch {
		case field == "X-Forwarded-For":
			same = client.IsValid() && value == n.RemoteAddr
		case field == "X-Forwarded-Host":
			same = value == r.Host
		case field == "X-Forwarded-Port":
			port := portOf(r.Host)
			same = value == port || port == "" && value == defaultPort(n.Scheme)
		case slices.Contains(addressFields, field):
			if client.IsValid() { // as believe does
				value, same = n.RemoteAddr, true
			}
		case field == "X-Forwarded-Proto" || slices.Contains(schemeFields, field):
			same = schemeOf(value) == n.Scheme
		}
		if same && value != "" {
			r.Header[field] = []string{value}
		} else {
			removed = append(removed, field)
		}
	}
	if removed != nil {
		f.warnFields(n, removed)
	}
}

// walk goes from the right, nearest to us, over the addresses that are trusted
// proxies, and stops at the first that is not: the client. kept counts the items
// from there to the right. An item that is not an address ends the walk before it.
func (f *forwarder) walk(list []string) (client netip.Addr, kept int) {
	for i := len(list) - 1; i >= 0; i-- {
		a, ok := address(list[i])
		if !ok {
			return client, kept
		}
		client, kept = a, kept+1
		if !f.trust.Addr(a) {
			return client, kept
		}
	}
	return client, kept
}

// scheme reads the first of the fields that name the client's scheme, and removes
// the others: when two differ, one of them may be the client's.
func (f *forwarder) scheme(h http.Header, hops, kept int) string {
	found := ""
	for _, field := range claimsOfScheme {
		v := h[field]
		if v == nil {
			continue
		}
		word := aligned(items(v), hops, kept)
		s := schemeOf(word)
		if s == "" || found != "" && s != found {
			delete(h, field)
			continue
		}
		found = s
		set(h, field, word)
	}
	return found
}

var claimsOfScheme = append([]string{"X-Forwarded-Proto"}, schemeFields...)

// schemeOf is the scheme that a proxy's word means; empty: none.
func schemeOf(word string) string {
	switch strings.ToLower(word) {
	case "https", "wss", "ssl", "on":
		return "https"
	case "http", "ws", "off":
		return "http"
	}
	return ""
}
