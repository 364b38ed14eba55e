package otlptest

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// The kinds of a Span, and the codes of its status.
const (
	Internal = 1
	Server   = 2
	Client   = 3

	Unset = 0
	Error = 2
)

// Span is one span, in forms that tests compare.
type Span struct {
	Trace, ID, Parent string // hexadecimal; Parent "": none
	State             string
	Name              string
	Kind              int
	Start, End        time.Time
	Flags             uint32
	Attributes        map[string]any // string, int64, bool or float64
	Events            []Event
	Links             []string // "trace-span"
	Code              int      // of the status
	Message           string   // of the status
	Resource          map[string]any
	Scope             string
}

// Event is an event of a Span.
type Event struct {
	Name       string
	At         time.Time
	Attributes map[string]any
}

// Text is an attribute that is a text; empty: there is none.
func (s *Span) Text(key string) string {
	v, _ := s.Attributes[key].(string)
	return v
}

// Number is an attribute that is a number; 0: there is none.
func (s *Span) Number(key string) int64 {
	v, _ := s.Attributes[key].(int64)
	return v
}

// Took is how long it lasted.
func (s *Span) Took() time.Duration { return s.End.Sub(s.Start) }

// Decode reads an ExportTraceServiceRequest. It finds everything that the protocol does not allow.
func Decode(b []byte) ([]Span, error) {
	m := dynamicpb.NewMessage(messages["ExportTraceServiceRequest"])
	if err := proto.Unmarshal(b, m); err != nil {
		return nil, err
	}
	if err := known(m); err != nil {
		return nil, err
	}
	var d decoder
	var list []Span
	each(m, "resource_spans", func(rs protoreflect.Message) {
		resource := d.attributes(sub(rs, "resource"))
		if name, _ := resource["service.name"].(string); name == "" {
			d.bad("a resource without service.name: %v", resource)
		}
		each(rs, "scope_spans", func(ss protoreflect.Message) {
			scope := get(sub(ss, "scope"), "name").String()
			each(ss, "spans", func(s protoreflect.Message) {
				one := d.span(s)
				one.Resource, one.Scope = resource, scope
				list = append(list, one)
			})
		})
	})
	if len(list) == 0 {
		d.bad("a message without spans")
	}
	return list, d.err
}

// known finds fields that the protocol does not have.
func known(m protoreflect.Message) (err error) {
	if len(m.GetUnknown()) > 0 {
		return fmt.Errorf("%s has an unknown field: %x", m.Descriptor().Name(), m.GetUnknown())
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil:
		case f.IsList():
			for i := 0; i < v.List().Len() && err == nil; i++ {
				err = known(v.List().Get(i).Message())
			}
		default:
			err = known(v.Message())
		}
		return err == nil
	})
	return err
}

func get(m protoreflect.Message, name string) protoreflect.Value {
	return m.Get(m.Descriptor().Fields().ByName(protoreflect.Name(name)))
}

func sub(m protoreflect.Message, name string) protoreflect.Message { return get(m, name).Message() }

func each(m protoreflect.Message, name string, f func(protoreflect.Message)) {
	list := get(m, name).List()
	for i := range list.Len() {
		f(list.Get(i).Message())
	}
}

// decoder keeps the first fault.
type decoder struct{ err error }

func (d *decoder) bad(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
}

// id reads an id of n bytes that is not zero.
func (d *decoder) id(m protoreflect.Message, name string, n int, may bool) string {
	b := get(m, name).Bytes()
	if len(b) == 0 && may {
		return ""
	}
	s := hex.EncodeToString(b)
	if len(b) != n || strings.Trim(s, "0") == "" {
		d.bad("%s.%s is %q", m.Descriptor().Name(), name, s)
	}
	return s
}

func (d *decoder) attributes(m protoreflect.Message) map[string]any {
	list := map[string]any{}
	each(m, "attributes", func(kv protoreflect.Message) {
		key := get(kv, "key").String()
		v := sub(kv, "value")
		which := v.WhichOneof(v.Descriptor().Oneofs().ByName("value"))
		switch _, twice := list[key]; {
		case key == "" || twice:
			d.bad("the attribute %q is empty, or there twice", key)
		case which == nil:
			d.bad("the attribute %q has no value", key)
		default:
			list[key] = v.Get(which).Interface()
		}
		if s, ok := list[key].(string); ok && strings.ContainsRune(s, 0) {
			d.bad("the attribute %q has a zero byte", key)
		}
	})
	return list
}

func (d *decoder) span(m protoreflect.Message) Span {
	at := func(m protoreflect.Message, name string) time.Time { return time.Unix(0, int64(get(m, name).Uint())) }
	s := Span{
		Trace: d.id(m, "trace_id", 16, false), ID: d.id(m, "span_id", 8, false), Parent: d.id(m, "parent_span_id", 8, true), State: get(m, "trace_state").String(),
		Name: get(m, "name").String(), Kind: int(get(m, "kind").Int()), Start: at(m, "start_time_unix_nano"), End: at(m, "end_time_unix_nano"),
		Flags: uint32(get(m, "flags").Uint()), Attributes: d.attributes(m), Code: int(get(sub(m, "status"), "code").Int()), Message: get(sub(m, "status"), "message").String(),
	}
	switch {
	case s.Name == "":
		d.bad("a span without a name")
	case s.Kind < 1 || s.Kind > 5:
		d.bad("%s: the kind %d", s.Name, s.Kind)
	case s.End.Before(s.Start) || time.Since(s.Start).Abs() > time.Hour:
		d.bad("%s: from %v to %v", s.Name, s.Start, s.End)
	case s.Code < 0 || s.Code > 2 || s.Code == 0 && s.Message != "":
		d.bad("%s: the status %d, %q", s.Name, s.Code, s.Message)
	case s.Flags >= 1<<10:
		d.bad("%s: the flags %#x", s.Name, s.Flags)
	case s.Parent == s.ID:
		d.bad("%s is its own parent", s.Name)
	}
	each(m, "events", func(e protoreflect.Message) {
		one := Event{get(e, "name").String(), at(e, "time_unix_nano"), d.attributes(e)}
		if one.Name == "" || time.Since(one.At).Abs() > time.Hour {
			d.bad("%s: the event %+v", s.Name, one)
		}
		s.Events = append(s.Events, one)
	})
	each(m, "links", func(l protoreflect.Message) {
		s.Links = append(s.Links, d.id(l, "trace_id", 16, false)+"-"+d.id(l, "span_id", 8, false))
	})
	return s
}
