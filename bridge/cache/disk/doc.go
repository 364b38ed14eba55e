// Package disk is the HTTP cache in files: a Tier that outlives the process, and that has Answers
// which are too large for memory.
//
// Object graph:
//
//	Tier -> folder           the open folder; none while another process has it
//	Tier -> catalog          what is known of the files; in memory
//	catalog -> index, entry  of each file
//	Tier -> keeper           the goroutine
//	body -> proof            one reader of a large body; what was verified of it
//
// Files:
//
//	tier.go      Tier, Options, Stats
//	load.go      Load; files that are damaged
//	save.go      Save, and the new head of a file
//	purge.go     Purge, and Answers that come to be known after one
//	query.go     what a Purge means of the index
//	keeper.go    keeper: opening, reading what is there, eviction
//	outage.go    outage: while no file can be written
//	catalog.go   catalog
//	index.go     index, entry; SIEVE
//	names.go     the name and the entry of an Answer
//	format.go    the bytes of a file
//	body.go      body, proof
//	folder.go    folder: the marker, the lock, names
//	pending.go   files under way
//	folder_*.go  locks and owners
//	unnamed_*.go files without a name
//
// # Files
//
// The folder has the marker standpipe-cache, which has the lock, and 256 sub-folders. A file is named
// by its Key and by what the Answer varies by, so that an Answer replaces the older one. It is written
// without a name (O_TMPFILE), or with a temporary one where the system has no such files, and gets its
// name when it is whole. format.go describes its bytes: the body comes first, so that a body that was
// written while it was sent (Create) becomes the file without being copied.
//
// A folder with files in it and without the marker is not used, nor is one of another user, or behind
// another user's link. Files in the folder that have no name of ours are left alone.
//
// # What is guaranteed
//
// No byte is served that is not what was stored. Nothing is synced (but the removals of a purge): a
// kill or a loss of power may leave anything behind, and everything is verified when it is read. All
// checksums are CRC-32C. Those of the head, and of a body of up to 64 KiB, are verified by each Load.
// A larger body has one for each block of 64 KiB, which is verified when the block is used first after
// a start: it goes to the client through memory then, and by sendfile(2) from there on. So the first
// byte of a large body waits for one block. A damaged file counts as none and is removed; where the
// damage is in a block that is not the first, the answer under way is aborted. What was verified, and
// what this process has written, is trusted until the process ends.
//
// A purge is complete for all requests after it, and so after a kill. Its removals are synced within
// about a second; that a soft purge outlasts a loss of power is not promised.
//
// # Start, and several processes
//
// The keeper opens the folder, so that no start waits for it. It reads the names first (100,000 in
// some tenths of a second): from then on files are found, whose heads are read when they are asked
// for, or when their turn comes. Before that everything is a miss. Purges that come before a file was
// read are compared with it then. What may be stored meanwhile is bounded to a sixteenth of the size.
//
// One process uses a folder. Another one (the new process of an upgrade, a second server) works
// without files until the first has closed its Tier or ended, and looks for that twice a second.
//
// # Goroutines
//
// The keeper is the only one. Start starts it, Close ends it and waits.
package disk
