// Package truststore knows where a machine and its browsers keep the CAs that they trust, and the commands that add one there and
// remove it. It runs none of them.
//
//	stores.go  System, Stores: what there is, as a table of commands
//	system.go  the stores of the operating systems
//	nss.go     the databases of Firefox and Chromium
//
// The package has no state and starts no goroutine.
package truststore
