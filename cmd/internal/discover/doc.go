// Package discover looks at a project's folder and says what is there: which files may hold the app, and which Python
// interpreter belongs to it.
//
// It only lists and stats files. It never reads a module and never starts Python: what is inside a candidate is for the
// worker's own loader to find out, in the app's own interpreter.
//
// No goroutines. A new place to look for an app goes into Candidates, for an interpreter into Find.
package discover
