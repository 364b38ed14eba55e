package schema

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// WriteDocs writes the page of all settings. head is its beginning; topTitle is the heading of the settings at the top.
func (s *Schema) WriteDocs(w io.Writer, head, topTitle string) error {
	var b strings.Builder
	b.WriteString(head)
	s.Command.docs(&b, "The command line alone")
	var done []string
	for scope := range s.scopes() {
		if slices.Contains(done, scope.Heading()) {
			continue
		}
		title := topTitle
		if scope.around != nil {
			same := s.headings(scope)
			title, done = strings.Join(same, " and "), append(done, same...)
		}
		scope.docs(&b, title)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (s *Scope) docs(b *strings.Builder, title string) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n", title, s.Doc)
	for _, one := range s.Settings {
		one.docs(b)
	}
}

// Page is what the page of all settings says about this one.
func (s *Setting) Page() string {
	var b strings.Builder
	s.docs(&b)
	return strings.TrimPrefix(b.String(), "\n")
}

func (s *Setting) docs(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n%s\n\n", s.Key, s.Doc)
	var flags []string
	for _, f := range s.FlagNames() {
		flags = append(flags, "`"+Dashed(f)+"`")
	}
	row := func(name, text string) {
		if text != "" {
			fmt.Fprintf(b, "- %s: %s\n", name, text)
		}
	}
	row("flag", strings.Join(flags, ", "))
	if n := s.EnvName(); n != "" {
		row("variable", "`"+n+"`")
	}
	kind := s.Kind.String()
	if s.Kind == Choice {
		kind = "one of `" + strings.Join(s.Choices, "`, `") + "`"
	}
	row("value", kind)
	def := ""
	if s.Default != "" {
		def = "`" + s.Default + "`"
	}
	if s.Derived != "" {
		if def != "" {
			def += "; "
		}
		def += s.Derived
	}
	row("default", def)
}
