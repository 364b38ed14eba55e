// Package staticfiles decides which folders the server serves without asking an app:
// those that the configuration names, and those that an app declares when it boots.
//
//	set.go      Set: the folders of all apps and of [[static]]; it subscribes to worker events
//	app.go      App: the folders of one app, over its generations
//	hosts.go    Hosts: the folders of [[static]], grouped by host
//	place.go    how a configured or declared folder becomes a static.Mount
//	folder.go   Folder: one folder as people see it, and why it cannot be served
//	summary.go  Lines: a few lines for the banner and the log about many folders
//
// A Set owns its Apps; an App knows the Set's log and file cache. bridge/static serves
// the files. There is no goroutine: events come on the supervisor's.
package staticfiles
