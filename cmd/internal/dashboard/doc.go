// Package dashboard is a page for browsers that shows what a server does, and its HTTP server. The page is a few files
// without a framework and without a build step (page/); the data is that of the control socket (package admin): the Handler
// asks a Source for it, which is the admin.Handler of this process, or Remote, the control socket of another process.
//
//	GET  /                the page
//	GET  /login           the form for the token; ?link= takes a link that works once
//	POST /login, /logout
//	GET  /api/stream      Server-Sent Events: hello, then top each second, or gone while the server does not answer
//	GET  /api/history     the last hour
//	GET  /api/dump        Python stacks of a worker                          (needs a login)
//	POST /api/reload, /api/restart, /api/scale                              (need a login)
//
// Without a token the page is for the browsers of this machine alone, and it changes nothing: guard.go refuses names of
// other hosts (DNS rebinding) and requests that pages of other origins make. With a token a session is a signed cookie, which
// survives a restart of the server; the answer to a wrong token is slowed down.
//
// Files:
//
//	handler.go   Handler and Options: who gets what
//	guard.go     fields of each answer; which hosts and origins are served
//	session.go   sessions: signed cookies
//	guesses.go   guesses: how often a token may be tried
//	login.go     the form, the links that work once
//	source.go    the requests to a Source; Remote
//	latest.go    latest: what Top says, read once for all viewers
//	stream.go    the Server-Sent Events
//	actions.go   commands, and stacks
//	assets.go    the files of the page
//	server.go    Server: the address
//
// The files of the page: index.html, login.html, style.css, icon.svg; theme.js chooses the colours before anything is drawn,
// login.js is the form's, app.js starts the rest: live.js (the connection), format.js and dom.js (numbers and elements),
// overview.js, plots.js, marks.js, workers.js, tables.js (what is seen), actions.js (dialogs). Text of clients gets into the page
// as text alone (dom.js).
//
// Goroutines: that of Server's connections (bridge/http1), which Close ends. A stream runs in the goroutine of its request; without
// viewers nothing runs.
package dashboard
