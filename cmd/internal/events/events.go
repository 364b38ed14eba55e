package events

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// Event is one kind of record.
type Event struct {
	Name string `json:"event"`
	// Levels are those of its records, the usual one first: "warn", "error or debug".
	Levels string `json:"levels"`
	// Message is the sentence of a record that has none of its own.
	Message string `json:"message"`
	// Fields are those that a record may have; fields.go has their meanings.
	Fields []string `json:"fields"`
	// Do is the advice what to do.
	Do string `json:"do"`
}

// event is a row of the table. fields are names with spaces between them; a name may occur twice.
func event(name, levels, message, fields, do string) Event {
	var list []string
	for _, f := range strings.Fields(fields) {
		if !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	return Event{name, levels, message, list, do}
}

// Fields that occur together.
const (
	ofWorker  = "app worker pid gen "
	ofRequest = "app worker id method target trace_id "
)

var table = sync.OnceValue(func() map[string]Event {
	m := map[string]Event{}
	for _, e := range slices.Concat(workerEvents(), requestEvents(), fileEvents(), serverEvents()) {
		m[e.Name] = e
	}
	return m
})

// All returns all events in the order of their names.
func All() []Event {
	list := make([]Event, 0, len(table()))
	for _, e := range table() {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b Event) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Of returns the event of that name.
func Of(name string) (Event, bool) {
	e, ok := table()[name]
	return e, ok
}

// Sentence is the general sentence of the event; empty: there is no such event.
func Sentence(name string) string { return table()[name].Message }

// fieldNames returns the keys of fields, sorted.
func fieldNames() []string { return slices.Sorted(maps.Keys(fields)) }
