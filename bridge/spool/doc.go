// Package spool holds bytes that wait: request bodies until a worker takes them, and
// responses until a slow client takes them. They wait in memory first and then in a
// file, within limits for all clients together and for one client.
//
// Object graph:
//
//	Spool -> Buffer         one request body, written once, readable several times
//	Pipes -> Pipe           one response, read once while it is written
//	Spool, Pipes -> Budget  how many bytes all clients, and one client, may have in files
//	Folder                  where the files are; Spool is told its path
//
// Files:
//
//	spool.go     Spool: what the Buffers of one server share
//	buffer.go    Buffer: one request body
//	file_*.go    how a file loses its name, and which errors mean that the disk is full
//	memfile_*.go a file without a folder, for a system on which nothing can be written
//	pipe.go      Pipes and Pipe: a response between a fast writer and a slow reader
//	patience.go  Patience: when a Pipe takes a response
//	budget.go    Budget: limits in bytes
//	client.go    ClientKey: what counts as one client
//	folder.go    Folder: the folder of one process, which the next start removes
//	folder_*.go  its lock
//	space_*.go   Space: how much room a file system has
//	disk.go      Disk: how many goroutines may wait for a disk at a time
//
// The package is a leaf: it imports the standard library and x/sys only. It starts no
// goroutine. A Buffer belongs to one goroutine, a Pipe to one writer and one reader.
package spool
