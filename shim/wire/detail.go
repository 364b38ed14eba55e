package wire

// Detail is an exception with all that an error page shows of it. A worker sends it in the
// development mode alone. Its texts are the worker's: nothing in them is trusted.
type Detail struct {
	// Exceptions are the one that was raised, then those that it came from.
	Exceptions []Raised
	Sections   []Section // about the request
	Handled    string    // the framework that has answered for it, and raised nothing; empty: none
	Logged     bool      // that framework has logged it
	Python     string    // "CPython 3.13.0"
}

// Raised is one exception.
type Raised struct {
	Type, Message string
	Link          string // what it is to its Parent: "cause", "context", "group"; empty: it is the first
	Parent        int    // a place before its own
	Notes         []string
	Frames        []CodeFrame
}

// Section is a table.
type Section struct {
	Title string
	Pairs []string // name, value, name, value, ...
}

// Bounds of a Detail: each element takes more memory here than the byte that it may take there.
const (
	MaxDetail     = 512 << 10 // bytes
	maxRaised     = 64
	maxNotes      = 64
	maxCalls      = 256 // frames of all exceptions
	maxSource     = 64
	maxLocals     = 256 // names and values
	maxSections   = 16
	maxPairs      = 1024 // names and values
	maxLineNumber = 1 << 30
)

// CodeFrame is one frame of a traceback.
type CodeFrame struct {
	File     string // as shown: relative to the app's dir, where it lies beneath it
	Path     string // absolute; empty: there is no such file
	Function string
	Kind     string // "template": a line of a template; "syntax": where a text could not be read; empty: code
	Line     int
	Own      bool // the app's own code
	First    int  // the number of the first line of Source
	Source   []string
	From, To int      // the characters of Line that raised; 0 and 0: not known
	Locals   []string // name, value, name, value, ...
	More     int      // locals that were left out
	Skipped  int      // frames that were left out behind this one
}

// DecodeDetail decodes a Detail: the bytes of detail in an Error or a Failed.
func DecodeDetail(p []byte) (*Detail, error) {
	if len(p) > MaxDetail {
		return nil, Errorf(nil, "a Detail of %d bytes; at most %d", len(p), MaxDetail)
	}
	m, calls := new(Detail), 0
	err := walkMap(p, func(w *walker, key string) (known bool, err error) {
		switch key {
		case "exceptions":
			m.Exceptions, err = each(w, maxRaised, "exceptions", func(w *walker, e *Raised) error { return raised(w, e, &calls) })
		case "sections":
			m.Sections, err = each(w, maxSections, "sections", section)
		case "handled":
			m.Handled, err = w.str()
		case "logged":
			m.Logged, err = w.boolean()
		case "python":
			m.Python, err = w.str()
		default:
			return false, nil
		}
		return true, err
	})
	if err != nil {
		return nil, err
	}
	for i, e := range m.Exceptions {
		if e.Parent < 0 || e.Parent > i || i > 0 && e.Parent == i {
			return nil, Errorf(nil, "exception %d of a Detail comes from exception %d", i, e.Parent)
		}
	}
	return m, nil
}

// detail walks the Detail of an Error or a Failed; empty bytes are none.
func detail(w *walker) (*Detail, error) {
	b, err := w.bytes()
	if err != nil || len(b) == 0 {
		return nil, err
	}
	return DecodeDetail(b)
}

// each walks an array of at most so many maps; one takes the next of them off w.
func each[T any](w *walker, most int, what string, one func(w *walker, m *T) error) (found []T, err error) {
	n, err := w.count(most, what)
	for ; n > 0 && err == nil; n-- {
		var m T
		err = one(w, &m)
		found = append(found, m)
	}
	return found, err
}

func section(w *walker, m *Section) error {
	return w.pairs(func(key string) (err error) {
		switch key {
		case "title":
			m.Title, err = w.str()
		case "pairs":
			m.Pairs, err = evenTexts(w, maxPairs)
		default:
			err = w.skip(maxDepth - 1)
		}
		return err
	})
}

// raised walks an exception. calls counts the frames of all.
func raised(w *walker, m *Raised, calls *int) error {
	return w.pairs(func(key string) (err error) {
		switch key {
		case "type":
			m.Type, err = w.str()
		case "message":
			m.Message, err = w.str()
		case "link":
			m.Link, err = w.str()
		case "parent":
			m.Parent, err = w.integer()
		case "notes":
			m.Notes, err = w.texts(maxNotes)
		case "frames":
			m.Frames, err = each(w, maxCalls-*calls, "frames", codeFrame)
			*calls += len(m.Frames)
		default:
			err = w.skip(maxDepth - 1)
		}
		return err
	})
}

func codeFrame(w *walker, m *CodeFrame) error {
	return w.pairs(func(key string) (err error) {
		switch key {
		case "file":
			m.File, err = w.str()
		case "path":
			m.Path, err = w.str()
		case "function":
			m.Function, err = w.str()
		case "kind":
			m.Kind, err = w.str()
		case "line":
			m.Line, err = place(w)
		case "own":
			m.Own, err = w.boolean()
		case "first":
			m.First, err = place(w)
		case "source":
			m.Source, err = w.texts(maxSource)
		case "from":
			m.From, err = place(w)
		case "to":
			m.To, err = place(w)
		case "locals":
			m.Locals, err = evenTexts(w, maxLocals)
		case "more":
			m.More, err = place(w)
		case "skipped":
			m.Skipped, err = place(w)
		default:
			err = w.skip(maxDepth - 1)
		}
		return err
	})
}

// place walks a number of lines, characters or frames.
func place(w *walker) (int, error) {
	n, err := w.integer()
	if err == nil && (n < 0 || n > maxLineNumber) {
		return 0, Errorf(nil, "%d in a Detail is no number of lines", n)
	}
	return n, err
}

// evenTexts walks an array of names and values.
func evenTexts(w *walker, most int) ([]string, error) {
	list, err := w.texts(most)
	if err == nil && len(list)%2 != 0 {
		err = Errorf(nil, "a name without a value among %d in a Detail", len(list))
	}
	return list, err
}
