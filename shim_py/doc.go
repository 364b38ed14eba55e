// Package shim_py holds the Python half of standpipe and gives it to the worker processes.
//
// It holds the sources of the Python package standpipe_shim and the launcher __main__.py. There are three ways to hand them out:
// Hash, the content hash that Hello repeats; Extract, which makes a folder that `python3 DIR` runs; Bootstrap, one argument for
// `python3 -c` where no folder can be written. The protocol (shim/PROTOCOL.md), starting processes (supervisor) and the choice of an
// interpreter (cmd) are elsewhere. No goroutine is started here, and nothing is kept in memory but what the Go binary embeds.
//
// # Files
//
//	embed.go       the embedded sources, Hash, Bootstrap
//	extract.go     Extract and Whole: the folder, checked and made again (extract_unix.go, extract_windows.go: owners and modes)
//
// # The Python package
//
// A folder imports only what stands before it; tests/test_layout.py fails on a cycle. "Late" means imported when the first request
// or boot needs it; core/importing.py has read the code by then, because the folder may be removed while a worker serves.
//
//	__init__       the public names: on_fork, after_response, purge, RequestTimeout, ClientGone, PurgeError; apps import them from the module standpipe
//	core/          a request and its answer
//	  frames       the header, Reader, Writer
//	  packing      the subset of msgpack
//	  output       sys.stdout and sys.stderr with tags (levels: the level that logging gave a line)
//	  border       whether the app's code runs or the shim's
//	  importing    patches for modules that are not imported yet; code that is kept
//	  worker       Worker: its loop, Go's orders, its end
//	  control      fd 3 (orders) and fd 4 (the life pipe)
//	  inbound      reads fd 0, for one thread
//	  environ      the payload of a Request -> the environ
//	  serve        one Request through the app
//	  plain        the loop of a worker with one thread: a plain Request in one function
//	  exchange     start_response, write, the iterable, close (head: status and fields as a Head's msgpack)
//	  late         body (wsgi.input over frames or a file), pairs (names that are not in environ's table), public (the module standpipe), files (wsgi.file_wrapper), memory (shared with Go), callbacks, purging (entries of the HTTP cache), interrupt,
//	               unusual (fields that are long or wrong), waits (a wait that Cancel ends), streams (of the app in the place of ours), report (exceptions and stacks as text), threads (N threads), greenlets (gevent)
//	frameworks/    what is known of web frameworks
//	  questions    asks the frameworks that the app has imported, for Ready and the log (declared: a folder of static files;
//	               results: which may be closed at once)
//	  flask django pyramid bottle falcon   one file for each answers every question (django_static, django_finding: static files)
//	dev/           the development mode: what an error page shows , and debuggers on the terminal; imported in that mode only
//	  mode         stands around the app; exceptions that a framework answers for itself
//	  detail       an exception and its request as a Detail (stack: frames, sources: lines of files, reprs: values, masking: secrets)
//	  debug        where pdb, ipdb and pudb ask for the terminal (session: the descriptors and streams of one that has it)
//	boot/          from the first descriptor to a loaded app
//	  stdio        the descriptors and the title
//	  signals      SIGTERM, SIGINT, SIGURG, SIGUSR2, fork(), breakpoint()
//	  loader       from APP to a callable (spec, calls, search, callables, shape; guard: a server that the import starts)
//	  late         bundle (the code of all modules in one file, for the next start), failures (a sentence for each), template and forking (--preload), monkey (--gevent), watch (reload on change)
//	__main__       the life of a worker: takes the pipes, says Hello, boots, serves
//
// A new module goes into its folder and is embedded by its name's ending; a test of it goes into tests/, which is not embedded.
// `python3 -m unittest discover -s shim_py/tests` runs them under any interpreter from 3.8 on.
package shim_py
