package kept

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// errorsMost is how many errors of elements are reported.
const errorsMost = 3

// Each decodes the elements of a JSON array and calls add for each, at most most of them. An element of more than size
// bytes, or one that add refuses, is left out and in the error. Where the text is broken, the elements before are added.
// No bytes: there is no list.
func Each[T any](b []byte, most, size int, add func(T) error) error {
	if len(b) == 0 {
		return nil
	}
	in := json.NewDecoder(bytes.NewReader(b))
	if t, err := in.Token(); err != nil {
		return broken(err)
	} else if t != json.Delim('[') {
		return errors.New("it is not a list")
	}
	var errs []error
	left := 0
	for n := 0; in.More(); n++ {
		if n == most {
			return errors.Join(append(errs, fmt.Errorf("it has more than %d elements", most))...)
		}
		var raw json.RawMessage
		if err := in.Decode(&raw); err != nil {
			return errors.Join(append(errs, broken(err))...)
		}
		if err := one(raw, size, add); err != nil && len(errs) < errorsMost {
			errs = append(errs, fmt.Errorf("element %d: %w", n+1, err))
		} else if err != nil {
			left++
		}
	}
	if left > 0 {
		errs = append(errs, fmt.Errorf("%d further elements are wrong", left))
	}
	if _, err := in.Token(); err != nil {
		errs = append(errs, broken(err))
	}
	return errors.Join(errs...)
}

func one[T any](raw []byte, size int, add func(T) error) error {
	if len(raw) > size {
		return fmt.Errorf("%d bytes; at most %d are read", len(raw), size)
	}
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	return add(v)
}

func broken(err error) error { return fmt.Errorf("the list is broken: %w", err) }
