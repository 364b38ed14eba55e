// Package devreload reloads an app during development: when a file changes that its workers
// have imported, a template below its folder, its env_file or the configuration.
//
//	watcher.go   Watcher: which files belong to which app, from worker events
//	observer.go  Run: the file system's events, and the pause before a reload
//	folders.go   which folders may hold templates, and which files are templates
//
// One goroutine calls Run, which ends with its context and closes what it has opened.
// Event is called from others.
package devreload
