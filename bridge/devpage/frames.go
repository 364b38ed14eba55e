package devpage

import (
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/shim/wire"
)

// frames is a traceback, the newest call first. Calls in libraries between two of the app's are one line, which opens.
func (m *markup) frames(frames []wire.CodeFrame) {
	some := own(frames)
	opened := 0 // the first ones of the app are open
	for end := len(frames); end > 0; {
		begin := end - 1
		if some && !frames[begin].Own {
			for begin > 0 && !frames[begin-1].Own {
				begin--
			}
			m.library(frames[begin:end])
		} else {
			m.frame(&frames[begin], opened < 3)
			opened++
		}
		end = begin
	}
}

// library is a run of calls in installed packages and Python's own.
func (m *markup) library(frames []wire.CodeFrame) {
	var names []string
	count := len(frames)
	for i := len(frames) - 1; i >= 0; i-- {
		count += frames[i].Skipped
		if name := packageOf(&frames[i]); len(names) < 4 && !contains(names, name) {
			names = append(names, name)
		}
	}
	calls := " calls in "
	if count == 1 {
		calls = " call in "
	}
	m.details("library", strconv.Itoa(count)+calls+strings.Join(names, ", "))
	for i := len(frames) - 1; i >= 0; i-- {
		m.frame(&frames[i], false)
	}
	m.raw(`</details>`)
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// packageOf is the installed package that a file belongs to.
func packageOf(f *wire.CodeFrame) string {
	path := strings.ReplaceAll(f.Path, `\`, "/")
	for _, part := range []string{"/site-packages/", "/dist-packages/"} {
		if _, rest, ok := strings.Cut(path, part); ok {
			name, _, _ := strings.Cut(rest, "/")
			return strings.TrimSuffix(name, ".py")
		}
	}
	if i := strings.LastIndex(path, "/python3"); i >= 0 {
		return "Python’s library"
	}
	return f.File
}

func (m *markup) frame(f *wire.CodeFrame, open bool) {
	if f.Skipped > 0 {
		m.raw(`<p class="skipped">`, strconv.Itoa(f.Skipped), ` more calls are left out here: they repeat those around them, or there are too many.</p>`)
	}
	m.raw(`<details class="frame`)
	if f.Own {
		m.raw(` own`)
	}
	m.raw(`"`)
	if open {
		m.raw(` open`)
	}
	m.raw(`><summary><code class="file">`)
	m.text(place(f.File, f.Line))
	m.raw(`</code>`)
	switch f.Kind {
	case "template":
		m.raw(` <span class="kind">template</span>`)
	case "syntax":
		m.raw(` <span class="kind">could not be read</span>`)
	}
	m.element(` <span class="function">`, f.Function, `</span>`)
	m.raw(`</summary>`)
	m.source(f)
	if len(f.Locals) > 0 {
		title := "Variables (" + strconv.Itoa(len(f.Locals)/2)
		if f.More > 0 {
			title += " of " + strconv.Itoa(len(f.Locals)/2+f.More)
		}
		m.details("locals", title+")")
		m.pairs("Variables in "+f.Function, f.Locals)
		m.raw(`</details>`)
	}
	m.raw(`</details>`)
}

// source is the lines around a frame's line, which is marked.
func (m *markup) source(f *wire.CodeFrame) {
	if len(f.Source) == 0 {
		m.raw(`<p class="none">There is no source.</p>`)
		return
	}
	m.raw(`<pre class="code" tabindex="0" role="group" aria-label="Source">`)
	for i, line := range f.Source {
		n := f.First + i
		class, from, to := "line", 0, 0
		if n == f.Line {
			class, from, to = "line here", f.From, f.To
		}
		m.raw(`<span class="`, class, `"><span class="number">`, strconv.Itoa(n), `</span>`)
		m.code([]rune(line), from, to, f.Kind != "template")
		m.raw("\n</span>")
	}
	m.raw(`</pre>`)
}

// code is one line. The characters from one place to the other are marked; a place behind the end is marked there.
func (m *markup) code(line []rune, from, to int, python bool) {
	from = min(from, len(line))
	to = min(to, len(line)+1)
	if to > len(line) && from < to {
		line = append(line[:len(line):len(line)], ' ')
	}
	class := make([]byte, len(line))
	if python {
		colour(line, class)
	}
	for i := 0; i < len(line); {
		j := i + 1
		for j < len(line) && class[j] == class[i] && (j < from) == (i < from) && (j < to) == (i < to) {
			j++
		}
		marked := i >= from && i < to
		if marked {
			m.raw(`<mark>`)
		}
		m.element(spans[class[i]], string(line[i:j]), ends[class[i]])
		if marked {
			m.raw(`</mark>`)
		}
		i = j
	}
}

// The classes of characters in a line of Python.
const (
	plainText = iota
	keyword
	quoted
	comment
)

var (
	spans = [...]string{"", `<span class="k">`, `<span class="s">`, `<span class="c">`}
	ends  = [...]string{"", "</span>", "</span>", "</span>"}
)

var keywords = func() map[string]bool {
	m := map[string]bool{}
	for word := range strings.FieldsSeq("False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield match case") {
		m[word] = true
	}
	return m
}()

// colour finds keywords, texts and comments in one line. It knows no other line, so texts of several lines are not found.
func colour(line []rune, class []byte) {
	for i := 0; i < len(line); {
		j := i + 1
		switch c := line[i]; {
		case c == '#':
			for j = i; j < len(line); j++ {
				class[j] = comment
			}
		case c == '"' || c == '\'':
			for j < len(line) && line[j] != c {
				if line[j] == '\\' {
					j++
				}
				j++
			}
			j = min(j+1, len(line))
			for k := i; k < j; k++ {
				class[k] = quoted
			}
		case isWord(c):
			for j < len(line) && isWord(line[j]) {
				j++
			}
			if keywords[string(line[i:j])] {
				for k := i; k < j; k++ {
					class[k] = keyword
				}
			}
		}
		i = j
	}
}

func isWord(c rune) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c > 127
}
