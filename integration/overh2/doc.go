// Package overh2 speaks HTTP/2 (RFC 9113) with a server for a test that writes and reads HTTP/1.1. A Conn takes requests as the
// bytes that they are in HTTP/1.1, sends each on a stream of its own when the one before it is answered, and gives the
// answers as HTTP/1.1. So one test of an app's answers runs over both versions.
//
// It translates what both versions can say. Requests that mean something in HTTP/1.1 alone (an invalid chunk, a second Host,
// HTTP/1.0), and answers that HTTP/2 forbids (a body of another length than Content-Length, a field of the connection), are
// reported to the function that New has got. A stream that the server resets ends as a connection that is reset.
//
//	conn.go     Conn: New, Read, Write, Close, Disconnect, deadlines
//	pipe.go     pipe: a bounded buffer between the test and the goroutines
//	request.go  requests: the head, the body's framing
//	stream.go   stream: what is known of the request under way; the answer
//	link.go     link: frames, settings, windows
//
// Goroutines: New starts two, one that translates requests and one that reads frames. Both end with the connection.
package overh2
