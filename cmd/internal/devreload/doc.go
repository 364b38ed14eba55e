// Package devreload reloads an app while somebody works on it: when a file of a
// module that its workers have really imported changes, a template beneath its
// folder, its env_file or the configuration.
//
// One goroutine, run by who calls Run, ends with its context; it owns the
// fsnotify watcher.
package devreload
