package wire

// Names are the variables that nearly every request has: a Request says which of
// them it holds by their places here, so the order is part of the protocol.
// Variables with other names go with their names.
var Names = [...]string{
	"REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "REQUEST_URI", "RAW_URI", "SERVER_NAME", "SERVER_PORT",
	"SERVER_PROTOCOL", "REMOTE_ADDR", "REMOTE_PORT", "wsgi.url_scheme", "standpipe.request_id", "HTTPS", "CONTENT_TYPE",
	"CONTENT_LENGTH", "HTTP_HOST",

	"HTTP_ACCEPT", "HTTP_ACCEPT_ENCODING", "HTTP_ACCEPT_LANGUAGE", "HTTP_AUTHORIZATION", "HTTP_CACHE_CONTROL", "HTTP_COOKIE",
	"HTTP_DNT", "HTTP_FORWARDED", "HTTP_IF_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_NONE_MATCH", "HTTP_ORIGIN", "HTTP_PRAGMA",
	"HTTP_PRIORITY", "HTTP_RANGE", "HTTP_REFERER", "HTTP_SEC_CH_UA", "HTTP_SEC_CH_UA_MOBILE", "HTTP_SEC_CH_UA_PLATFORM",
	"HTTP_SEC_FETCH_DEST", "HTTP_SEC_FETCH_MODE", "HTTP_SEC_FETCH_SITE", "HTTP_SEC_FETCH_USER", "HTTP_UPGRADE_INSECURE_REQUESTS",
	"HTTP_USER_AGENT", "HTTP_X_CSRFTOKEN", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT",
	"HTTP_X_FORWARDED_PROTO", "HTTP_X_REAL_IP", "HTTP_X_REQUEST_ID", "HTTP_X_REQUESTED_WITH",

	"HTTP_TRACEPARENT", "HTTP_TRACESTATE", "HTTP_X_REQUEST_START", // the server sets them
}

// known maps a name to its place in Names, from 1. Never written to after init.
var known = func() map[string]uint8 {
	m := make(map[string]uint8, len(Names))
	for i, name := range Names {
		m[name] = uint8(1 + i)
	}
	return m
}()

// Known returns 1 + the place of name in Names, for Var.Known; 0: it is not there.
func Known(name string) uint8 { return known[name] }
