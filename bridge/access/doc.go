// Package access is access control: by address, from lists in the configuration, in files, and of this hour
// (standpipe deny), by country, by a password, and by what a service says.
//
// Object graph:
//
//	stage -> Table      a place (path, hosts), and what a request needs there
//	Table -> Addresses  allow and deny: one netset.Set for the configuration and one for each file; countries
//	Table -> Basic      users and their passwords; Hashing, which all tables share, compares
//	Table -> Forward    a service that is asked about each request
//	stage -> Denied     addresses that were denied at run time, each until a moment
//	stage -> Records    the records of refusals, and their counts by table and rule
//	Files -> File       files that are read again when they change: lists, passwords, countries
//
// Files:
//
//	stage.go      NewDenials, New: the stages; Closes: connections that are not to be served at all
//	table.go      Table, Addresses and how a request passes them
//	list.go       ReadList: a file of networks
//	country.go    Countries: a database in MaxMind's format
//	basic.go      Basic: RFC 7617
//	htpasswd.go   a file of users and hashes: bcrypt, argon2id
//	hashing.go    Hashing: passwords are checked, few at a time
//	forward.go    Forward: a service decides
//	file.go       Files, File: what is read again when it changes
//	denied.go     Denied, Entry: the deny list of this hour
//	records.go    Records: records and counts of refusals
//
// A request passes each Table whose place it is in. Which address is the client's was decided before, by the stage
// forwarded. Closes asks the same rules about the other end of a connection that was just accepted, unless that is a trusted
// proxy; it does not know of hosts and paths, and asks only tables for all of them.
//
// Passwords are slow to check on purpose. A password that was right counts for ten minutes, under a key that is made with a
// secret of this process; a user that does not exist costs as much as one that does; a client that tries passwords waits for
// itself, and the others for a bounded time. Nothing passes because something failed: a service that does not answer is 503.
//
// A file that cannot be read, or has a bad line, changes nothing: its last good content stays in force, and a record says
// so. The package starts no goroutine, but for those of net/http's Transport, which end with Forward.Close: Files.Look and
// Denied.Sweep are called about twice a second, by the one that composes.
package access
