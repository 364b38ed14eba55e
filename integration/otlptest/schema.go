package otlptest

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// schema are the messages of opentelemetry-proto 1.x that traces have: trace_service.proto, trace.proto, resource.proto and
// common.proto. A line is a message, or a field of it: number, type, name; "*" is repeated, "|" one of a oneof.
const schema = `
ExportTraceServiceRequest
1 *ResourceSpans resource_spans
ExportTraceServiceResponse
1 ExportTracePartialSuccess partial_success
ExportTracePartialSuccess
1 int64 rejected_spans
2 string error_message
ResourceSpans
1 Resource resource
2 *ScopeSpans scope_spans
3 string schema_url
Resource
1 *KeyValue attributes
2 uint32 dropped_attributes_count
ScopeSpans
1 InstrumentationScope scope
2 *Span spans
3 string schema_url
InstrumentationScope
1 string name
2 string version
3 *KeyValue attributes
4 uint32 dropped_attributes_count
Span
1 bytes trace_id
2 bytes span_id
3 string trace_state
4 bytes parent_span_id
5 string name
6 int32 kind
7 fixed64 start_time_unix_nano
8 fixed64 end_time_unix_nano
9 *KeyValue attributes
10 uint32 dropped_attributes_count
11 *Event events
12 uint32 dropped_events_count
13 *Link links
14 uint32 dropped_links_count
15 Status status
16 fixed32 flags
Event
1 fixed64 time_unix_nano
2 string name
3 *KeyValue attributes
4 uint32 dropped_attributes_count
Link
1 bytes trace_id
2 bytes span_id
3 string trace_state
4 *KeyValue attributes
5 uint32 dropped_attributes_count
6 fixed32 flags
Status
2 string message
3 int32 code
KeyValue
1 string key
2 AnyValue value
AnyValue
1 |string string_value
2 |bool bool_value
3 |int64 int_value
4 |double double_value
5 |ArrayValue array_value
7 |bytes bytes_value
ArrayValue
1 *AnyValue values
`

var scalars = map[string]descriptorpb.FieldDescriptorProto_Type{
	"string": descriptorpb.FieldDescriptorProto_TYPE_STRING, "bytes": descriptorpb.FieldDescriptorProto_TYPE_BYTES, "bool": descriptorpb.FieldDescriptorProto_TYPE_BOOL,
	"int32": descriptorpb.FieldDescriptorProto_TYPE_INT32, "int64": descriptorpb.FieldDescriptorProto_TYPE_INT64, "uint32": descriptorpb.FieldDescriptorProto_TYPE_UINT32,
	"fixed32": descriptorpb.FieldDescriptorProto_TYPE_FIXED32, "fixed64": descriptorpb.FieldDescriptorProto_TYPE_FIXED64, "double": descriptorpb.FieldDescriptorProto_TYPE_DOUBLE,
}

// messages are the descriptors by name.
var messages = func() map[string]protoreflect.MessageDescriptor {
	file := &descriptorpb.FileDescriptorProto{Name: proto.String("otlptest.proto"), Package: proto.String("otlptest"), Syntax: proto.String("proto3")}
	var m *descriptorpb.DescriptorProto
	for line := range strings.Lines(strings.TrimSpace(schema)) {
		words := strings.Fields(line)
		if len(words) == 1 {
			m = &descriptorpb.DescriptorProto{Name: proto.String(words[0])}
			file.MessageType = append(file.MessageType, m)
			continue
		}
		n := int32(0)
		for _, c := range words[0] {
			n = 10*n + c - '0'
		}
		f := &descriptorpb.FieldDescriptorProto{Name: proto.String(words[2]), Number: proto.Int32(n), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
		kind, many := strings.CutPrefix(words[1], "*")
		if many {
			f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
		}
		kind, one := strings.CutPrefix(kind, "|")
		if one {
			if len(m.OneofDecl) == 0 {
				m.OneofDecl = []*descriptorpb.OneofDescriptorProto{{Name: proto.String("value")}}
			}
			f.OneofIndex = proto.Int32(0)
		}
		if t, ok := scalars[kind]; ok {
			f.Type = t.Enum()
		} else {
			f.Type, f.TypeName = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), proto.String(".otlptest."+kind)
		}
		m.Field = append(m.Field, f)
	}
	made, err := protodesc.NewFile(file, nil)
	if err != nil {
		panic(err) // the schema is a constant
	}
	list := map[string]protoreflect.MessageDescriptor{}
	for i := range made.Messages().Len() {
		d := made.Messages().Get(i)
		list[string(d.Name())] = d
	}
	return list
}()
