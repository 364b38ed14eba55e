// Package shim_py holds the Python half of standpipe and gives it to the worker processes.
//
// What is here: the sources of the Python package standpipe_shim (its own __init__.py says which module does what), the
// launcher __main__.py, and three ways to hand them out: Hash, the content hash that Hello repeats; Extract, a folder that
// `python3 DIR` runs; Bootstrap, one argument for `python3 -c` where no folder can be written.
//
// What is not here: the protocol (shim/PROTOCOL.md), starting processes (supervisor), and any choice of an interpreter (cmd).
//
// No goroutine is started here. Nothing is kept in memory but what the Go binary embeds.
//
// A new Python module goes into standpipe_shim/ and is embedded by its name's ending; a test of it goes into tests/, which is
// not embedded. `python3 -m unittest discover -s shim_py/tests` runs them under any interpreter from 3.8 on.
package shim_py
