// Package privileges separates what this process may do from what its workers may do: it
// drops root privileges, starts the helper process that spawns workers as other users,
// and confines workers (user, limits, control group).
//
//	privileges.go     Privileges: what Drop has done, and what follows from it for each app
//	drop.go           Drop: control groups, helper, user, in this order
//	keys.go           which apps can read private keys of this server
//	spawn.go          the spawner of an app, and the environment of another user
//	reach.go, reach_unix.go, reach_windows.go  which folders a user can enter
//
// Privileges knows the configuration and supervisor/process; nothing there knows it. It
// has no goroutine: the helper is a process, which End ends.
package privileges
