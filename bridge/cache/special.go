package cache

import (
	"net/http"
	"slices"
	"strings"
)

// meaning is what a field of a request means for the cache.
type meaning uint8

const (
	override   meaning = iota + 1 // frameworks believe it although no Vary names it
	credential                    // it says who the client is
)

// special are fields with a meaning. A request with an override has a key of its own, and so cannot change what others
// get. One with a credential counts as one with Authorization: services in front of an app and APIs use such fields instead of it.
var special = func() map[string]meaning {
	m := map[string]meaning{}
	for _, name := range []string{
		"Forwarded", "Front-End-Https", "Cf-Visitor", "Cloudfront-Forwarded-Proto", "Client-Ip",
		"X-Forwarded-Host", "X-Forwarded-Scheme", "X-Forwarded-Proto", "X-Forwarded-Protocol", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Server", "X-Forwarded-Ssl",
		"X-Forwarded-Path", "X-Forwarded-Uri", "X-Forwarded-By", "X-Host", "X-Proxy-Host", "X-Azure-Host", "X-Original-Host", "X-Http-Host-Override", "X-Original-Url", "X-Original-Uri",
		"X-Rewrite-Url", "X-Request-Uri", "X-Envoy-Original-Path", "X-Scheme", "X-Original-Proto", "X-Url-Scheme", "X-Arr-Ssl", "X-Script-Name",
		"X-Http-Method-Override", "X-Http-Method", "X-Method-Override", "X-Sendfile-Type", "X-Accel-Mapping", "X-Middleware-Prefetch",
	} {
		m[name] = override
	}
	for _, name := range []string{
		"X-Api-Key", "X-Apikey", "Api-Key", "Apikey", "Api_key", "X-Api-Token", "X-Authorization", "X-Auth-Token", "X-Auth-Key", "X-Access-Token", "X-Session-Token", "X-Token", "X-Amz-Security-Token", "Private-Token", "Proxy-Authorization",
		"Remote-User", "Remote-Email", "X-Remote-User", "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Preferred-Username", "X-Forwarded-Access-Token", "X-Forwarded-Client-Cert",
		"X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Access-Token", "X-Authentik-Username", "X-Authentik-Jwt", "X-Webauth-User", "X-Ssl-Client-Cert", "X-Client-Cert",
		"X-Forwarded-Tls-Client-Cert", "X-Forwarded-Tls-Client-Cert-Info", "X-Ssl-Client-Dn", "X-Ssl-Client-S-Dn", "X-Client-Dn", "Ssl-Client-Cert", "Ssl-Client-Subject-Dn",
		"X-Consumer-Id", "X-Consumer-Username", "X-Credential-Identifier", "X-Authenticated-Userid",
		"X-Amzn-Oidc-Data", "X-Amzn-Oidc-Identity", "X-Goog-Iap-Jwt-Assertion", "X-Goog-Authenticated-User-Email", "X-Ms-Client-Principal", "X-Ms-Client-Principal-Name",
		"Cf-Access-Jwt-Assertion", "Cf-Access-Authenticated-User-Email", "Tailscale-User-Login",
	} {
		m[name] = credential
	}
	return m
}()

// maybeSpecial reports whether a name begins as special ones do. Most fields that browsers send do not.
func maybeSpecial(name string) bool {
	switch name[0] {
	case 'X', 'F':
		return true
	case 'C':
		return strings.HasPrefix(name, "Cf-") || strings.HasPrefix(name, "Cl")
	case 'R':
		return strings.HasPrefix(name, "Remote-")
	case 'P':
		return strings.HasPrefix(name, "Private-") || strings.HasPrefix(name, "Proxy-")
	case 'T':
		return strings.HasPrefix(name, "Ta")
	case 'A':
		return strings.HasPrefix(name, "Ap")
	case 'S':
		return strings.HasPrefix(name, "Ss")
	}
	return false
}

// appendSpecial appends the overrides that h has, in the order of their names, and reports whether it has a credential.
func appendSpecial(b []byte, h http.Header) (_ []byte, known bool) {
	var found [8]string
	names := found[:0]
	for name := range h {
		if name == "" || !maybeSpecial(name) {
			continue
		}
		switch special[name] {
		case override:
			names = append(names, name)
		case credential:
			known = true
		}
	}
	if len(names) == 0 {
		return b, known
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range h[name] {
			b = appendPart(b, name, v)
		}
	}
	return b, known
}
