// Package static serves files: what lies in a folder is answered here, and no worker
// of any app hears of it.
//
//	handler.go      Handler: which place a request belongs to, and what becomes of it there
//	places.go       Places: the places of one generation, and of the one before it
//	place.go        Place: a URL, its folders and its rules
//	name.go         from a request's path to a file's name; what is never served
//	root.go         Root: one folder that nothing gets out of (os.Root)
//	file.go         File: one file's octets, validators and fields
//	etag.go         what an ETag is made of
//	cache.go        Cache: files of all roots, bounded, looked at again once a second
//	descriptors.go  open descriptors that wait to be used again
//	variants.go     siblings compressed ahead (.br, .zst, .gz), and what is compressed here
//	policy.go       Cache-Control: rules, and what may be immutable
//	manifest.go     the files in which build tools say what names they make
//	named.go        which of these names prove that they hold a hash
//	send.go         an answer's fields, conditions and octets
//	ready.go        the fields that are made once per file
//	ranges.go       206: one part, several parts
//	copy.go         large files: sendfile(2), and the end that is held back
//	mime.go         media types
//	charset.go      which text files are called UTF-8
//	fields.go       the fields that a place adds, and preflight requests
//
// What is not here: how files are compressed (an Encoder, which bridge/compress has),
// what an app declares (the shim reports it), which of it is served (the command's
// composition).
//
// The package starts no goroutine: what has to be looked at again is looked at by
// the request that finds it due. A new rule about which names are served goes to
// name.go; a new field of answers to send.go.
package static
