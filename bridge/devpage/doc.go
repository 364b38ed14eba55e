// Package devpage shows developers what fails, in their browser: the error page of the development mode, and the script that
// loads a page again when the code behind it has changed. Nothing of it exists outside of that mode.
//
//	pages.go    Pages: answers with a Report as HTML, JSON or text
//	report.go   Report: what failed
//	html.go     the page; markup: text into HTML
//	frames.go   the frames of a traceback in it
//	plain.go    the same as text and as JSON
//	guard.go    guard: which clients see details
//	stage.go    Stage: dev_token, and the files below /-/dev/
//	events.go   events: what tells browsers that code or files have changed
//	live.go     Live: the script in the HTML of apps
//	assets/     page.css, page.js (both in the page), live.js
//
// No code is run from a page: it has no console. A console would turn each way to reach the page (a name that is rebound to
// 127.0.0.1, a tunnel, a script in another page of this machine) into a way to run code as the developer; breakpoint() is the same with a terminal.
//
// The package starts no goroutine. The answers of events last until their client leaves, or Done is closed.
package devpage
