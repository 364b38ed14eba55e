// Package compose puts the product together: from a config to listeners, stages, handlers
// and pools. It is the only package that sees bridge, supervisor and shim_py together; they
// get their own typed options from here and know nothing of TOML, flags or the environment.
//
// Read site.go first: it lists the stages of a request in order, for a site and for
// an app, as data.
//
// The object graph: a Server has its Listeners, its sites and its parts. The parts outlive
// reloads: logs, storage, privileges, the extracted shim, static folders, the cache, health. The sites
// make a site of the parts and a config, and replace it; a site is immutable. A way in, in
// the Listeners, calls the sites as an http.Handler, and they call the current site.
// Of the parts, only health knows the sites: it asks for the current pools.
//
//	compose.go    Server: New assembles, and the rest is the life of the whole
//	site.go       site, Stage: the way of a request, as a list
//	refusals.go   refusals: requests that no handler gets
//	sites.go      sites: the current site; reloads; the end of removed apps
//	listeners.go  Listeners: addresses, protocols, sockets for another process
//	tunnels.go    the upgraded connections, and their end at a stop
//	tls.go        Certificates: what addresses of HTTPS have in common
//	tlsplan.go    tlsPlan: what a reload makes of TLS
//	http3.go      overUDP: HTTP/3, with its sockets
//	pools.go      one app's pool and its handler
//	dev.go        Development: what the development mode adds; Hold and the reload of one app
//	caching.go    the HTTP cache: its stages, and what a reload drops of it
//	purges.go     Purges: entries of the HTTP cache that apps, commands and PURGE remove
//	limits.go     [[limit]]: its stages, and what they have counted
//	tracing.go    Traces: the stage of traces, and the exporter, which a reload may replace
//	explain.go    Explain: who would answer a request, and why; trace: what is asked on the way
//	routes.go     [[route]]: the conditions and the handler of each
//	fields.go     [[fields]]: the changes of fields
//	scanners.go   paths that only scanners ask for
//	scripts.go    the scripts of a [[route]] to FastCGI upstreams
//	finder.go     finder: upstreams that come and go, by names and a file
//	upstreams.go  the servers behind routes, which outlive reloads, and the groups of each site; options of other stages
//	access.go     Access: access control, and what of it outlives reloads
//	kept.go       keptList: what commands have set, which outlives upgrades and restarts
//	local.go      certificates for names of this machine alone
//	stored.go     certificates while no server runs
//	acme.go       automatic: certificates from a CA, and its challenges
//	health.go     health: readiness, and which health paths an app hides behind standpipe's
//	logs.go       accessLog: where the access log goes
//	devpages.go   the pages of the development mode: errors, and pages that load again
//	storage.go    storage: large request bodies and the answers of slow clients
//	runtime.go    the folder for run-time files, and the shim in it
//	release.go    release: what one generation of an app is made from
//
// Where a new thing goes: a stage is a constructor in bridge and one line in site.go; a way
// in is a listen.Protocol and one line in protocolOf; a kind of upstream is a case in
// newTransport; an option of a pool is a line in poolOptions. TestWiring, here and in integration/laws, fails when
// an option is never set.
//
// Goroutines: one for each listener and for each reload, one for each app that was removed, and
// one that drops what the cache has of such apps; Stop ends them and waits. Pools, listen.Group and logs have their own.
package compose
