// Package access decides who may come: by address, from lists in the configuration, in files, and of this hour
// (standpipe deny).
//
// Object graph:
//
//	Stage -> Table      a place (path, hosts), and what a request needs there
//	Table -> Addresses  allow and deny: one netset.Set, and the name of each rule
//	Stage -> Denied     addresses that were denied at run time, each until a moment
//	Stage -> Records    the records of refusals, and their counts by table and rule
//	Files -> File       files that are read again when they change: lists
//
// Files:
//
//	stage.go      New: the stage; Closes: connections that are not to be served at all
//	table.go      Table, Addresses and how a request passes them
//	list.go       ReadList: a file of networks
//	file.go       Files, File: what is read again when it changes
//	denied.go     Denied, Entry: the deny list of this hour
//	records.go    Records: records and counts of refusals
//
// A request passes each Table whose place it is in. Which address is the client's was decided before, by the stage
// forwarded. Closes asks the same rules about the other end of a connection that was just accepted, unless that is a trusted
// proxy; it does not know of hosts and paths, and asks only tables for all of them.
//
// A file that cannot be read, or has a bad line, changes nothing: its last good content stays in force, and a record says
// so. The package starts no goroutine: Files.Look and Denied.Sweep are called about once a second, by the one that composes.
package access
