package screen

import "strconv"

// Colour is one of the 16 of a terminal, whose user has chosen what they look like; 0: the default one.
type Colour uint8

// The colours.
const (
	Default Colour = iota
	Black
	Red
	Green
	Yellow
	Blue
	Magenta
	Cyan
	White
)

// Style is how text looks.
type Style struct {
	Fg, Bg               Colour
	Bold, Faint, Reverse bool
}

// Paint is text with the style, for a terminal with colours.
func (s Style) Paint(text string) string {
	if s == (Style{}) || text == "" {
		return text
	}
	return "\x1b[" + s.sgr(true) + "m" + text + "\x1b[0m"
}

// sgr are the parameters of "select graphic rendition". Without colours those and faintness are left out: what they say
// is in the text too, and the selected row is reversed.
func (s Style) sgr(colours bool) string {
	out := "0"
	if s.Bold {
		out += ";1"
	}
	if s.Faint && colours {
		out += ";2"
	}
	if s.Reverse || !colours && s.Bg != Default {
		out += ";7"
	}
	if colours && s.Fg != Default {
		out += ";" + strconv.Itoa(29+int(s.Fg))
	}
	if colours && s.Bg != Default {
		out += ";" + strconv.Itoa(39+int(s.Bg))
	}
	return out
}
