// Package fields changes the fields of requests and responses as the configuration says.
//
//	stage.go     Stage: request fields before the handler, response fields with the final head
//	rule.go      Rule and Change: what is set, added and removed, and for which statuses
//	value.go     Value: a text with placeholders for parts of a request
//	cors.go      CORS: pages of other origins, and their preflight requests
//	security.go  Security: usual fields for browsers, where the handler sets none
//	names.go     which names may be changed
//
// No request can end a line or begin another field: what a placeholder stands for is left out where it is not a field's
// value. The package starts no goroutine.
package fields
