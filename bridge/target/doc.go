// Package target makes request targets and URLs of templates: texts with placeholders for parts of a request.
//
//	template.go  Template: a path, or a URL for a redirect; what may stand where
//	parts.go     Parts: what the placeholders of one request stand for
//
// A template decides where its result leads: no part of a request can change the host of a URL unless the template names
// {host}, end a line, or begin with two slashes. The package is a leaf and starts no goroutine.
package target
