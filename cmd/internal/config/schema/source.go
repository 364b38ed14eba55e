package schema

// SourceKind is the layer that a value came from; a later one wins over an earlier one.
type SourceKind uint8

// The layers. Derived is a default that was worked out rather than fixed.
const (
	FromDefault SourceKind = iota
	FromDerived
	FromFile
	FromEnv
	FromFlag
)

// Source is where one value came from. The zero value is the built-in default.
type Source struct {
	Kind SourceKind
	// Where is "standpipe.toml:12" for a file, the variable's name, the flag's name with its dashes, or the reason
	// for a derived value.
	Where string
	// Variables are the names of the variables in a value of the file, with blanks between them.
	Variables string
}

// String is the source as `standpipe config` shows it.
func (s Source) String() string {
	switch s.Kind {
	case FromDerived:
		return s.Where
	case FromFile:
		if s.Variables != "" {
			return s.Where + " (env " + s.Variables + ")"
		}
		return s.Where
	case FromEnv:
		return "env " + s.Where
	case FromFlag:
		return "flag " + s.Where
	default:
		return "default"
	}
}

// Given reports whether a person set the value: in the file, the environment or by a flag.
func (s Source) Given() bool { return s.Kind >= FromFile }

// Position is the source as the beginning of a message; empty for a default.
func (s Source) Position() string {
	if s.Given() {
		return s.Where
	}
	return ""
}

// Sources are the sources of the effective values, by path: "limits.max_body", "app.shop.workers", "listen.0.address".
type Sources struct {
	by map[string]Source
}

// Of returns the source of the value at path; the zero Source for a default.
func (s *Sources) Of(path string) Source { return s.by[path] }

// Put records a source.
func (s *Sources) Put(path string, src Source) { s.by[path] = src }

func newSources() *Sources { return &Sources{by: make(map[string]Source)} }
