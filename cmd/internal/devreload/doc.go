// Package devreload reloads an app during development: when a file changes that its workers
// have imported, a template below its folder, its env_file or the configuration.
//
//	watcher.go   Watcher: which files belong to which app, from worker events
//	observer.go  Watcher.Run: the file system's events, and the pause before a reload
//	folders.go   which folders may hold templates, which files are templates, and which ones browsers load
//	hold.go      Hold: requests wait while code changes, and get the failure of code that does not start
//	project.go   project: the files of one app, its changes, and which of them its code has seen
//	stamp.go, stamp_linux.go, stamp_other.go  stamp: what tells a file from what it was before
//
// # Hold
//
// A change has a number. A boot that begins after it has seen it; a request waits for a boot that has seen all changes
// that were there when it came. A request looks for changes itself: it compares the size and the times of the files that the app has
// read, at most 2000, which takes some microseconds for each of ten files. The file system's events find changes while no request comes, and new
// templates. A boot that runs ends with the next change. A file that a worker names for the first time and that has changed since the boot began may have
// been read before: it counts as a change.
//
// One goroutine calls Watcher.Run and one Hold.Run, which end with their contexts and close what they have opened. Hold.Run has a goroutine
// for each app, and one for each reload; it waits for all. Event, Await and State are called from others.
package devreload
