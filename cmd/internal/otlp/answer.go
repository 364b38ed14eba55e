package otlp

import (
	"encoding/binary"
	"errors"
)

var errAnswer = errors.New("its answer is no ExportTraceServiceResponse")

// fieldsOf calls f for each field of a message: of a varint it gets the value, of what has a size the bytes. Others are passed over.
func fieldsOf(b []byte, f func(field int, value uint64, bytes []byte) error) error {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29-1 {
			return errAnswer
		}
		b = b[n:]
		var value uint64
		var bytes []byte
		switch tag & 7 {
		case varint:
			if value, n = binary.Uvarint(b); n <= 0 {
				return errAnswer
			}
			b = b[n:]
		case sized:
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) {
				return errAnswer
			}
			bytes, b = b[n:n+int(size)], b[n+int(size):]
		case fixed64, fixed32:
			size := 8
			if tag&7 == fixed32 {
				size = 4
			}
			if len(b) < size {
				return errAnswer
			}
			b = b[size:]
		default: // groups
			return errAnswer
		}
		if err := f(int(tag>>3), value, bytes); err != nil {
			return err
		}
	}
	return nil
}

// partial reads what a collector says of the spans that it has not taken: ExportTraceServiceResponse.partial_success.
func partial(b []byte) (rejected int64, message string, err error) {
	err = fieldsOf(b, func(field int, _ uint64, inner []byte) error {
		if field != 1 || inner == nil {
			return nil
		}
		return fieldsOf(inner, func(field int, value uint64, text []byte) error {
			switch {
			case field == 1 && text == nil:
				rejected = int64(value)
			case field == 2 && text != nil:
				message = string(text)
			}
			return nil
		})
	})
	return max(rejected, 0), message, err
}

// complaint reads the message of a google.rpc.Status, which answers of 4xx and 5xx have; empty: there is none.
func complaint(b []byte) (message string) {
	_ = fieldsOf(b, func(field int, _ uint64, text []byte) error { // what it is otherwise does not matter
		if field == 2 && text != nil {
			message = string(text)
		}
		return nil
	})
	return message
}
