package schema

import (
	"strings"
)

// Setting is one thing that can be set. Everything that is said about it anywhere is said here once.
type Setting struct {
	Key      string
	Kind     Kind
	Flags    []string // the long name first, then other spellings and letters; nil: the key with dashes
	NoFlag   bool
	NoEnv    bool     // there is no variable
	Choices  []string // of a Choice
	Hint     string   // what stands for the value in --help; empty: by Kind
	Least    int      // of an Int where 0 would not mean "no limit"; 0: none
	Default  string   // as one would write it; empty: none, or derived
	Derived  string   // how the default is derived, in words; empty: Default is all
	Fallback string   // a variable of the platform that takes the place of Default
	Required string   // an example for a key that each row must have: `handler = "proxy"`
	Doc      string   // empty: the fragment of its table has it
	Reload   bool     // may change while running, without new listeners or a new process

	Repeat bool // a flag of a kind that takes one value may be given again
	Whole  bool // a List whose flag's values may hold commas
	Vital  bool // what its row is about: without it, problems with other values of the row are misleading

	// Set and Show take the place of the field: for values of other types, and for settings that write several fields.
	// group is the struct that declares the setting. Show returns false for a value that is not shown.
	Set  func(group any, in Input) error
	Show func(group any) (v string, ok bool)
	// Items are the parts of the value that are shown each on its own.
	Items func(group any) []Item

	scope  *Scope
	group  []int // the place of the struct that declares it in a row of the scope
	field  int   // of this struct; -1: none
	prefix string
}

// Item is a part of a value with a name and a source of its own.
type Item struct {
	Name, Value string
	Source      Source
}

// isOpen reports whether the setting has a flag and a variable at all.
func (s *Setting) isOpen() bool { return !s.scope.FileOnly || len(s.Flags) > 0 }

// FlagNames are the flag's names without dashes, the long one first; empty: there is no flag.
func (s *Setting) FlagNames() []string {
	switch {
	case s.NoFlag || !s.isOpen():
		return nil
	case len(s.Flags) > 0:
		return s.Flags
	}
	return []string{strings.ReplaceAll(s.Key, "_", "-")}
}

// EnvName is the setting's variable; empty: it has none.
func (s *Setting) EnvName() string {
	if s.NoEnv || !s.isOpen() {
		return ""
	}
	return s.prefix + strings.ToUpper(s.Key)
}

// FileKey is the key as one would write it in a sentence: "limits.max_body", "workers".
func (s *Setting) FileKey() string {
	if s.scope.Array || s.scope.around == nil {
		return s.Key
	}
	return join(s.scope.name(), s.Key)
}

// Scope is the table that the setting belongs to.
func (s *Setting) Scope() *Scope { return s.scope }

// Named reports whether the flag and the variable take NAME=VALUE for one row.
func (s *Setting) Named() bool {
	return s.scope.ByName && (s.Kind == Int || s.Kind == Duration || s.Kind == Size)
}

// Repeatable reports whether the flag may be given again.
func (s *Setting) Repeatable() bool {
	return s.Kind == List || s.Kind == Pairs || s.Named() || s.Repeat
}

// Placeholder is what stands for the value in --help.
func (s *Setting) Placeholder() string {
	hint := s.Hint
	switch {
	case hint != "":
	case s.Kind == Choice:
		hint = strings.Join(s.Choices, "|")
	default:
		hint = [...]string{"TEXT", "", "FILE", "N", "SIZE", "DURATION", "A,B", "NAME=VALUE", "MODE", "[on|off]"}[s.Kind]
	}
	if s.Named() {
		hint += " or " + strings.ToUpper(s.scope.Key) + "=" + hint
	}
	return hint
}

// Dashed is a flag's name as one types it.
func Dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}
