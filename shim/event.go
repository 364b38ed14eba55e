package shim

import "github.com/standpipe/standpipe/shim/wire"

// EventKind says what an Event is.
type EventKind uint8

const (
	// EventHints: early hints, which come before the head. Fields.
	EventHints EventKind = iota + 1
	// EventHead: the status and the fields. Head, Size, DroppedHints.
	EventHead
	// EventFile: the body is a file. It follows a Head with File, unless the file
	// cannot be sent: then the body comes as bytes. The caller closes File.
	EventFile
	// EventBody: bytes of the body. Body, until Free.
	EventBody
	// EventEnd: the answer is complete.
	EventEnd
)

// Event is one step of an answer.
type Event struct {
	Kind   EventKind
	Fields []wire.Field
	Head   *wire.Head
	// Size is how many bytes of body came with the head when that was the complete
	// answer; -1: more is to come.
	Size int64
	// DroppedHints is how many early hints were more than MaxHints.
	DroppedHints int
	File         *File
	Body         []byte

	from lender
}

// Free says that Body is not used any more: its memory is used again. It is
// called once for each body that Wait has returned.
func (e *Event) Free() {
	if e.from != nil {
		e.from.Free()
		e.from = nil
	}
	e.Body = nil
}
