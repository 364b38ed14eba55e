// Package bridge holds no code: it is the map of the packages that stand between
// clients and workers.
//
//	leaves    cgi, httpx, spool, body, content, upstream, logtext, cpu, proxyproto, netset, kept
//	                                                any package of bridge may import them
//	ways in   listen, http1, https, h2, h3, uwsgi   from a connection to an http.Handler
//	stages    chain, forwarded, access, cache, compress, fields, maintain, route; static is one too; accesslog observes
//	                                                an http.Handler around another one
//	handlers  wsgi, static, proxy                   they answer a request
//	ways out  uwsgi, fastcgi                        an http.RoundTripper to another server
//	bridgetest                                      what the tests of several packages share
//
// A way in, a stage or a handler never imports another one: they meet in
// cmd/internal/compose. No package here knows where workers come from (supervisor), or
// any Python (shim_py); wsgi alone speaks to a worker, by package shim.
package bridge
