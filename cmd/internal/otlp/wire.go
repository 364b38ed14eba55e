package otlp

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// The wire types of protobuf that are used (https://protobuf.dev/programming-guides/encoding/).
const (
	varint  = 0
	fixed64 = 1
	sized   = 2 // bytes, texts, messages
	fixed32 = 5
)

func appendTag(b []byte, field, kind int) []byte {
	return binary.AppendUvarint(b, uint64(field<<3|kind))
}

func appendUint(b []byte, field int, v uint64) []byte {
	return binary.AppendUvarint(appendTag(b, field, varint), v)
}

func appendFixed64(b []byte, field int, v uint64) []byte {
	return binary.LittleEndian.AppendUint64(appendTag(b, field, fixed64), v)
}

func appendFixed32(b []byte, field int, v uint32) []byte {
	return binary.LittleEndian.AppendUint32(appendTag(b, field, fixed32), v)
}

func appendSized[T string | []byte](b []byte, field int, v T) []byte {
	return append(binary.AppendUvarint(appendTag(b, field, sized), uint64(len(v))), v...)
}

// open begins a message whose size is not known yet; close, with what open has returned, ends it.
func open(b []byte, field int) ([]byte, int) {
	b = append(appendTag(b, field, sized), 0)
	return b, len(b)
}

func closed(b []byte, at int) []byte {
	n := len(b) - at
	if n < 1<<7 {
		b[at-1] = byte(n)
		return b
	}
	more := uvarintSize(n) - 1
	b = append(b, make([]byte, more)...)
	copy(b[at+more:], b[at:])
	binary.PutUvarint(b[at-1:], uint64(n))
	return b
}

func uvarintSize(n int) int { return (bits.Len64(uint64(n)|1) + 6) / 7 }

// text is s as protobuf takes it: in UTF-8, without zero bytes, which some databases refuse; at most limit bytes.
func text(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
		for i := 1; i < utf8.UTFMax && i <= len(s); i++ { // no part of a letter at the end
			if c := s[len(s)-i]; utf8.RuneStart(c) {
				if !utf8.FullRuneInString(s[len(s)-i:]) {
					s = s[:len(s)-i]
				}
				break
			}
		}
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return s
}

// The limits of texts, in bytes.
const (
	shortText = 256
	longText  = 1 << 10
	traceText = 8 << 10 // of a traceback
)

// The field that holds attributes, by message.
const (
	ofResource  = 1
	ofException = 3
	ofSpan      = 9
)

// appendText appends an attribute: KeyValue{key, AnyValue{string_value}}.
func appendText(b []byte, field int, key, value string, limit int) []byte {
	if value == "" {
		return b
	}
	value = text(value, limit)
	inner := 1 + uvarintSize(len(value)) + len(value)
	b = appendTag(b, field, sized)
	b = binary.AppendUvarint(b, uint64(1+uvarintSize(len(key))+len(key)+1+uvarintSize(inner)+inner))
	b = appendSized(b, 1, key)
	b = binary.AppendUvarint(appendTag(b, 2, sized), uint64(inner))
	return appendSized(b, 1, value)
}

// appendInt appends an attribute: KeyValue{key, AnyValue{int_value}}.
func appendInt(b []byte, field int, key string, value int64) []byte {
	inner := 1 + uvarintSize64(uint64(value))
	b = appendTag(b, field, sized)
	b = binary.AppendUvarint(b, uint64(1+uvarintSize(len(key))+len(key)+1+uvarintSize(inner)+inner))
	b = appendSized(b, 1, key)
	b = binary.AppendUvarint(appendTag(b, 2, sized), uint64(inner))
	return appendUint(b, 3, uint64(value))
}

func uvarintSize64(n uint64) int { return (bits.Len64(n|1) + 6) / 7 }
