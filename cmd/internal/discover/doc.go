// Package discover looks into a project's folder: it lists the files that may hold the app, and finds the Python
// interpreter that belongs to it.
//
// It only lists and stats files. It never reads a module and never starts Python: a worker's own loader, in the app's own
// interpreter, finds out what is in a candidate.
//
// Files: files.go (Candidates, and what to suggest where there is none), python.go (Find), own.go (the environment that
// standpipe was installed into), owner_unix.go and owner_windows.go (whose environments may be run). A new place to look for
// an app goes into Candidates, for an interpreter into Find.
//
// No goroutines.
package discover
