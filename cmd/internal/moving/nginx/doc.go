// Package nginx makes a standpipe.toml of a configuration of nginx: a whole nginx.conf, or the file of one site.
//
//	parse.go      directives, blocks and includes
//	translate.go  what stands around servers; their addresses and certificates
//	servers.go    servers, and which of them answers for which hosts
//	general.go    limits, logs and TLS, which are one for all sites here
//	location.go   locations, and other servers
//	folder.go     folders of files
//	guards.go     access control of locations that [[access]] cannot name; limit_except, internal
//	conditions.go what a route demands beside its path
//	variables.go  the tests of if, in conditions of routes
//	maps.go       map and geo
//	branches.go   if of servers and locations, and variables that a map makes
//	answering.go  rewrites that another location answers
//	errorpages.go error_page of servers
//	write.go      folders and routes in the order that they match in
//	access.go     allow, deny, auth_basic, auth_request and satisfy
//	limits.go     limit_req and limit_conn
//	fields.go     add_header, proxy_set_header and proxy_hide_header of other servers
//	cache.go      proxy_cache, uwsgi_cache and fastcgi_cache
//	php.go        scripts of PHP: a pattern of locations becomes a route
//	fixed.go      what is a [[route]] of its own kind: return, rewrite, patterns, whole paths
//	upstream.go   the addresses of other servers
//	group.go      upstream blocks: servers and what is balanced by
//	values.go     sizes, times, names
//
// A directive without an equivalent gets the sentence that cmd/internal/compat has for it. There is no goroutine.
package nginx
