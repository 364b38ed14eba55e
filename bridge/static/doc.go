// Package static serves files: a request for a file in a mounted folder is answered here, and
// no worker of an app takes part.
//
// Object graph:
//
//	Handler -> Mounts -> openMount -> Root   which folders a request belongs to
//	Handler -> Cache -> file -> variant      what is known of a file and its compressed forms
//	answer -> representation -> file         one response
//
// Files:
//
//	handler.go         Handler: which mount a request belongs to, and what happens there
//	mount.go           Mount: a URL, its folders and its rules
//	mounts.go          Mounts: the open mounts of one generation, and the old folders behind them
//	name.go            from a request's path to a file's name; names that are never served
//	fallback.go        the page that answers for pages that there are not
//	listing.go         the names in a folder, as HTML and JSON
//	root.go            Root: one folder that no name leads out of (os.Root)
//	stat_*.go          what a system tells of a file
//	file.go            file: one file's contents, validators and fields
//	etag.go            ETags
//	cache.go           Cache: files of all roots, bounded, checked once a second
//	descriptors.go     idle open descriptors
//	variant.go         siblings that were compressed ahead (.br, .zst, .gz); compression here
//	policy.go          Cache-Control: rules, and which files are immutable
//	manifest.go        the files in which build tools list the names that they made
//	named.go           which of these names contain a hash
//	representation.go  what a client gets for a file; status and ranges
//	send.go            answer: one response
//	prepared.go        the fields of a response, made once per file
//	source.go          memory or an open file; the end that is held back
//	mime.go            media types
//	charset.go         which text files get a charset
//	fields.go          the fields that a mount adds, and preflight requests
//
// What is not here: conditions, ranges and sendfile(2) (bridge/content), how files are
// compressed (an Encoder, which bridge/compress has), what an app declares (the shim reports
// it), and which of it is served (cmd/internal/compose).
//
// The package starts no goroutine: the request that finds a check due does it. A new rule
// about which names are served goes to name.go; a new field of responses to prepared.go.
package static
