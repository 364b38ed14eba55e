// Package content answers with content that has a size and can be read from any offset: a
// static file, or a file that an app names or passes on. It knows which conditions hold
// (RFC 9110 13), which ranges a client gets (RFC 9110 14), how parts are written, and how a
// file reaches sendfile(2). Where the file comes from, and which fields its response has,
// is the handler's.
//
// Files:
//
//	validators.go  Validators: ETag and Last-Modified; conditions
//	ranges.go      Span; Range and If-Range, and the one limit for ranges, MaxRanges
//	parts.go       206: one part, or multipart/byteranges; 416
//	file.go        File: an open file on its way to a client
//	charset.go     which texts are UTF-8
//
// The package keeps no state and starts no goroutine. It is a leaf: it imports spool and
// httpx.
package content
