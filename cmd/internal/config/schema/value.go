package schema

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Input is what one layer says about one setting.
type Input struct {
	Values []string // more than one for lists, pairs and flags given again
	Exact  bool     // Values came from an array: commas are part of them
	Src    Source
	Base   string // what relative paths are relative to
}

// Last is the value that counts where there is one.
func (in Input) Last() string { return in.Values[len(in.Values)-1] }

// List are all values; it is not nil: an empty list is a value too.
func (in Input) List() []string {
	if in.Exact {
		return slices.Clone(in.Values)
	}
	out := []string{}
	for _, v := range in.Values {
		out = append(out, splitList(v)...)
	}
	return out
}

// Set makes a Setting's Set of a function that takes the declaring struct by its type.
func Set[T any](f func(group *T, in Input) error) func(any, Input) error {
	return func(group any, in Input) error { return f(group.(*T), in) }
}

// Show likewise makes a Setting's Show.
func Show[T any](f func(group *T) (string, bool)) func(any) (string, bool) {
	return func(group any) (string, bool) { return f(group.(*T)) }
}

// fieldTypes are the types that a setting's field may have, by kind.
var fieldTypes = map[Kind][]reflect.Type{
	Text: {reflect.TypeFor[string]()}, Choice: {reflect.TypeFor[string]()}, Path: {reflect.TypeFor[string]()},
	Int: {reflect.TypeFor[int]()}, Size: {reflect.TypeFor[int64]()}, Duration: {reflect.TypeFor[time.Duration]()},
	List: {reflect.TypeFor[[]string]()}, Switch: {reflect.TypeFor[bool]()},
}

// bind finds the setting's field in the struct t. A setting that cannot be written is a mistake in the program.
func (s *Setting) bind(t reflect.Type) {
	s.field = -1
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("key") == s.Key {
			s.field = i
		}
	}
	switch {
	case s.field < 0 && (s.Set == nil || s.Show == nil):
		panic(fmt.Sprintf("%v has no field for the setting %s", t, s.Key))
	case s.field >= 0 && s.Set == nil && !slices.Contains(fieldTypes[s.Kind], t.Field(s.field).Type):
		panic(fmt.Sprintf("%v.%s cannot hold a %v", t, t.Field(s.field).Name, s.Kind))
	}
}

// owner is the struct in row that declares the setting.
func (s *Setting) owner(row any) reflect.Value {
	return reflect.ValueOf(row).Elem().FieldByIndex(s.group)
}

// apply writes in to row. Errors are the end of a sentence that begins with the value.
func (s *Setting) apply(row any, in Input) error {
	in = s.normalized(in)
	if s.Set != nil {
		return s.Set(s.owner(row).Addr().Interface(), in)
	}
	v := in.Last()
	switch p := s.owner(row).Field(s.field).Addr().Interface().(type) {
	case *int:
		return Store(p, v, s.ParseInt)
	case *bool:
		return Store(p, v, ParseSwitch)
	case *int64:
		return Store(p, v, ParseSize)
	case *time.Duration:
		return Store(p, v, ParseDuration)
	case *[]string:
		*p = in.List()
	case *string:
		if s.Kind == Choice && !slices.Contains(s.Choices, v) {
			return fmt.Errorf("%q is not one of %s", v, strings.Join(s.Choices, ", "))
		}
		if strings.ContainsRune(v, 0) {
			return fmt.Errorf("%q contains a NUL", v)
		}
		if s.Kind == Path && v != "" && !filepath.IsAbs(v) {
			v = filepath.Join(in.Base, v)
		}
		*p = v
	}
	return nil
}

// normalized is in with other words for on and off replaced by the setting's own, where it has these.
func (s *Setting) normalized(in Input) Input {
	if len(in.Values) == 0 || s.Kind != Choice && s.Kind != Text && s.Kind != Path {
		return in
	}
	v := in.Last()
	on, err := ParseSwitch(v)
	switch {
	case err != nil || slices.Contains(s.Choices, v):
		return in
	case on && slices.Contains(s.Choices, "on"):
		v = "on"
	case !on && (s.Kind == Choice || v != "0") && s.knowsOff(): // 0 may be a name
		v = "off"
	default:
		return in
	}
	in.Values = append(slices.Clone(in.Values[:len(in.Values)-1]), v)
	return in
}

// knowsOff reports whether the word off means something to a setting that is not a switch: its documentation names it.
func (s *Setting) knowsOff() bool {
	return slices.Contains(s.Choices, "off") || strings.Contains(s.Doc, "`off`")
}

// ParseInt reads a number for the setting: the error names its lowest one.
func (s *Setting) ParseInt(v string) (int, error) {
	n, err := ParseInt(v)
	if err == errNegative && s.Least > 0 {
		err = fmt.Errorf("is negative; it is %d or more", s.Least)
	}
	return n, err
}

// Value is the effective value in row as one would write it; not ok: there is nothing to show.
func (s *Setting) Value(row any) (v string, ok bool) {
	if s.Show != nil {
		return s.Show(s.owner(row).Addr().Interface())
	}
	switch v := s.owner(row).Field(s.field).Interface().(type) {
	case int:
		return strconv.Itoa(v), true
	case bool:
		return OnOff(v), true
	case int64:
		return FormatSize(v), true
	case time.Duration:
		return FormatDuration(v), true
	case []string:
		return strings.Join(v, ","), true
	case string:
		return v, true
	}
	return "", false
}

// OnOff is a switch as one would write it.
func OnOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
