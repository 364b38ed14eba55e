package httpx

import "errors"

// StatusClientGone is what the access log shows for a request whose client disconnected
// before a response; it is never received. nginx made the number common.
const StatusClientGone = 499

// ErrClientGone: the client disconnected, so a response would not be read.
var ErrClientGone = errors.New("the client has left")
