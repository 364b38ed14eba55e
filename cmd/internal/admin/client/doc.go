// Package client is the commands' end of the control socket: it finds the running
// server and sends it commands. Package admin declares the commands.
//
// Files: client.go (Client), find.go (which server is meant), trusted_*.go (sockets of other
// users). It starts no goroutine; net/http ends its own with Close.
package client
