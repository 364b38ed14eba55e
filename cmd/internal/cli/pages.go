package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// WritePage writes docs/commands.md, of which the manual page standpipe(1) is made. head is its beginning.
func (a *App) WritePage(w io.Writer, head string) error {
	var b strings.Builder
	b.WriteString(head)
	for _, heading := range a.headings() {
		fmt.Fprintf(&b, "\n## %s\n", upper(heading))
		for _, c := range a.Commands {
			if c.heading() == heading {
				c.page(&b, a.Name)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// heading is the command's category, or one for those without.
func (c *Command) heading() string {
	if c.Category == "" {
		return "to serve"
	}
	return c.Category
}

// headings are those of all commands, in their order.
func (a *App) headings() []string {
	var out []string
	for _, c := range a.Commands {
		if !slices.Contains(out, c.heading()) {
			out = append(out, c.heading())
		}
	}
	return out
}

func (c *Command) page(b *strings.Builder, program string) {
	line := strings.TrimSpace(fmt.Sprintf("%s %s [flags] %s", program, c.Name, c.ArgsUsage))
	fmt.Fprintf(b, "\n### %s\n\n%s.\n\n```text\n%s\n```\n", c.Name, upper(c.Usage), line)
	if c.Description != "" {
		b.WriteString("\n" + indented(c.Description) + "\n")
	}
	if len(c.Flags) > 0 {
		b.WriteString("\n")
	}
	for _, f := range c.Flags {
		name := "--" + f.Name
		if f.Short != "" {
			name = "-" + f.Short + ", " + name
		}
		if f.Hint != "" {
			name += " " + f.Hint
		}
		fmt.Fprintf(b, "- `%s`: %s", name, f.Usage)
		if f.Env != "" {
			fmt.Fprintf(b, " (`%s`)", f.Env)
		}
		b.WriteString("\n")
	}
	if c.Settings {
		b.WriteString("- the flags of all [settings](settings.md)\n")
	}
}

// indented makes the indented lines of a description a block of code.
func indented(text string) string {
	var out []string
	code := false
	for _, line := range strings.Split(text, "\n") {
		if is := strings.HasPrefix(line, "   "); is != code {
			code = is
			out = append(out, map[bool]string{true: "```text", false: "```"}[is])
		}
		out = append(out, strings.TrimPrefix(line, "   "))
	}
	if code {
		out = append(out, "```")
	}
	return strings.Join(out, "\n")
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
