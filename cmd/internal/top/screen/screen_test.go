package screen

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"/products/42":               "/products/42",
		"/\x1b]0;x\x07y":             "/?]0;x?y",
		"\u009b31mred":               "?31mred", // a CSI of one character
		"\x9b31m\xff":                "?31m??"[:6-1],
		"a\tb\nc\r\nd":               "a b c  d",
		"a\u202eb\u2066c\u200bd":     "abcd", // direction, zero width
		"e\u0301\u0301\u0301\u0301x": "e\u0301\u0301x",
		"\u0301x":                    "x",
		"👩\u200d💻 👍🏽 ❤\ufe0f":        "👩💻 👍 ❤",
		"日本語":                        "日本語",
		"\u2028\ue000\U000f0000":     "???",
		"\ufffd":                     "\ufffd",
		"각":                          "각",
	} {
		if got := Clean(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestWidthAndClip(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		most  int
		clip  string
		left  string
	}{
		{"shop", 4, 4, "shop", "shop"}, {"shop", 4, 3, "sh…", "…op"}, {"shop", 4, 0, "", ""}, {"shop", 4, 1, "…", "…"},
		{"日本語", 6, 6, "日本語", "日本語"}, {"日本語", 6, 5, "日本…", "…本語"}, {"日本語", 6, 4, "日…", "…語"}, {"日本語", 6, 2, "…", "…"},
		{"e\u0301e\u0301", 2, 1, "…", "…"}, {"ｆｕｌｌ", 8, 8, "ｆｕｌｌ", "ｆｕｌｌ"}, {"🐍🐍", 4, 3, "🐍…", "…🐍"}, {"각", 2, 2, "각", "각"},
	} {
		if got := Width(c.text); got != c.width {
			t.Errorf("%q is %d wide, want %d", c.text, got, c.width)
		}
		if got := Clip(c.text, c.most); got != c.clip {
			t.Errorf("Clip(%q, %d) = %q, want %q", c.text, c.most, got, c.clip)
		}
		if got := ClipLeft(c.text, c.most); got != c.left {
			t.Errorf("ClipLeft(%q, %d) = %q, want %q", c.text, c.most, got, c.left)
		}
	}
}

// Whatever the text, what is drawn has no control character, and Clip and Width agree.
func FuzzText(f *testing.F) {
	f.Add("/\x1b[31m日本e\u0301\u200d👩🏽", 7)
	f.Add("\xff\u009b\u202e각", 2)
	f.Fuzz(func(t *testing.T, text string, most int) {
		most = max(min(most, 300), -3)
		for _, s := range []string{Clip(text, most), ClipLeft(text, most)} {
			if Width(s) > max(most, 0) {
				t.Fatalf("%q in %d cells: %q has %d", text, most, s, Width(s))
			}
			for _, r := range s {
				if r < ' ' || r >= 0x7f && r < 0xa0 {
					t.Fatalf("%q: %q", text, s)
				}
			}
			if !utf8.ValidString(s) {
				t.Fatalf("%q: %q is not UTF-8", text, s)
			}
		}
		c := NewCanvas(20, 1)
		c.Put(most%20, 0, Style{}, text)
		if Width(c.Row(0)) > 20 || Clean(c.Row(0)) != c.Row(0) {
			t.Fatalf("%q: %q", text, c.Row(0))
		}
	})
}

func TestCanvas(t *testing.T) {
	c := NewCanvas(10, 3)
	c.Put(0, 0, Style{}, "日本語 abcdef")
	c.Put(1, 0, Style{}, "x") // the left half of a wide character goes too
	c.Put(-2, 1, Style{}, "--hello")
	c.Right(10, 1, Style{Bold: true}, "42")
	c.Put(0, 3, Style{}, "outside")
	c.Put(9, 2, Style{}, "日") // has no room
	if got := c.Row(0) + "|" + c.Row(1) + "|" + c.Row(2); got != " x本語 abc|hello   42|" {
		t.Errorf("%q", got)
	}
	if !c.Look(9, 1).Bold || c.Look(0, 1).Bold {
		t.Error("the styles")
	}
}

// terminal interprets what Painter writes. wide says how wide it takes a character for: terminals differ.
type terminal struct {
	w, h, x, y int
	cells      []string
	wide       func(rune) int
	other      []string // what it does not know
}

func newTerminal(w, h int, wide func(rune) int) *terminal {
	t := &terminal{w: w, h: h, wide: wide, cells: make([]string, w*h)}
	return t
}

func (t *terminal) write(data string) {
	for data != "" {
		if data[0] == 0x1b {
			n := strings.IndexFunc(data[2:], func(r rune) bool { return r >= '@' && r <= '~' }) + 2
			t.sequence(data[2:n], data[n])
			data = data[n+1:]
			continue
		}
		r, size := utf8.DecodeRuneInString(data)
		data = data[size:]
		n := t.wide(r)
		switch {
		case r < ' ':
			t.other = append(t.other, fmt.Sprintf("%q", r))
		case n == 0:
			if t.x > 0 {
				t.cells[t.y*t.w+t.x-1] += string(r)
			}
		case t.x+n <= t.w:
			t.cells[t.y*t.w+t.x] = string(r)
			for i := 1; i < n; i++ {
				t.cells[t.y*t.w+t.x+i] = "\x00"
			}
			t.x += n
		}
	}
}

func (t *terminal) sequence(parameters string, final byte) {
	switch {
	case final == 'H':
		t.x, t.y = 0, 0
		_, _ = fmt.Sscanf(parameters, "%d;%d", &t.y, &t.x)
		t.x, t.y = t.x-1, t.y-1
	case final == 'K' && parameters == "2":
		clear(t.cells[t.y*t.w : (t.y+1)*t.w])
	case final == 'K':
		clear(t.cells[t.y*t.w+t.x : (t.y+1)*t.w])
	case final == 'J' && parameters == "2":
		clear(t.cells)
	case final == 'm', strings.HasPrefix(parameters, "?"):
	default:
		t.other = append(t.other, parameters+string(final))
	}
}

func (t *terminal) row(y int) string {
	var b strings.Builder
	for _, c := range t.cells[y*t.w : (y+1)*t.w] {
		switch c {
		case "":
			b.WriteByte(' ')
		case "\x00":
		default:
			b.WriteString(c)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// After any series of frames the terminal shows the last one.
func TestPainter(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	words := []string{"shop", "日本", "█▇▁", "e\u0301t", "🐍", "12.3ms", " ", "", "…", "│", "/x?y=1"}
	p := &Painter{Colours: true}
	w, h := 40, 8
	term := newTerminal(w, h, runeWidth)
	for range 400 {
		if random.IntN(50) == 0 { // another size
			w, h = 20+random.IntN(40), 4+random.IntN(8)
			term = newTerminal(w, h, runeWidth)
		}
		c := NewCanvas(w, h)
		for range random.IntN(30) {
			c.Put(random.IntN(w+4)-2, random.IntN(h), Style{Fg: Colour(random.IntN(9)), Bold: random.IntN(2) == 0}, words[random.IntN(len(words))])
		}
		term.write(string(p.Frame(c)))
		for y := range h {
			if term.row(y) != c.Row(y) {
				t.Fatalf("row %d: %q, want %q", y, term.row(y), c.Row(y))
			}
		}
		if len(p.Frame(c)) != 0 {
			t.Fatal("the same frame is written again")
		}
	}
	if len(term.other) > 0 {
		t.Errorf("%q", term.other)
	}
}

// A terminal that takes characters for wider or narrower than we do shows the columns after them at their places, and
// nothing of them stays.
func TestPainterOnOtherTerminals(t *testing.T) {
	for name, wide := range map[string]func(rune) int{
		"narrow": func(r rune) int { return min(runeWidth(r), 1) },
		"wide": func(r rune) int {
			if r > 0x3000 || r == 'é' {
				return 2
			}
			return runeWidth(r)
		},
	} {
		p := &Painter{}
		term := newTerminal(40, 2, wide)
		for _, text := range []string{"日本語é🐍", "x", "日é", "", "🐍🐍🐍"} {
			c := NewCanvas(40, 2)
			c.Put(0, 0, Style{}, text)
			c.Put(20, 0, Style{}, "|")
			term.write(string(p.Frame(c)))
			if got := term.cells[20]; got != "|" {
				t.Errorf("%s: after %q there is %q at its column in %q", name, text, got, term.row(0))
			}
			if text == "" && strings.Trim(term.row(0), " ") != "|" {
				t.Errorf("%s: %q stays", name, term.row(0))
			}
		}
	}
}

// A terminal that shows ASCII gets nothing else, in the same columns.
func TestPainterASCII(t *testing.T) {
	p := &Painter{ASCII: true}
	c := NewCanvas(30, 1)
	c.Put(0, 0, Style{}, "日本 é █▁▅ …│▸µ 🐍|")
	frame := string(p.Frame(c))
	for _, r := range frame {
		if r > '~' {
			t.Fatalf("%q", frame)
		}
	}
	term := newTerminal(30, 1, runeWidth)
	term.write(frame)
	if got := term.row(0); got != "???? ? #_= ~|>u ??|" {
		t.Errorf("%q", got)
	}
	if got := ASCII(Clean("█ 日本")); got != "# ????" {
		t.Errorf("%q", got)
	}
}

// A change of one figure writes little: it goes over ssh every second.
func TestPainterWritesLittle(t *testing.T) {
	p := &Painter{Colours: true}
	frame := func(n string) []byte {
		c := NewCanvas(80, 24)
		for y := range 24 {
			c.Put(0, y, Style{}, strings.Repeat("abcd ", 16))
		}
		c.Put(10, 3, Style{}, n)
		return p.Frame(c)
	}
	first, second := len(frame("1")), len(frame("2"))
	if first < 1900 || second > 60 {
		t.Errorf("%d bytes, then %d", first, second)
	}
}

func TestStyle(t *testing.T) {
	s := Style{Fg: Red, Bg: Blue, Bold: true, Faint: true}
	if got := s.sgr(true); got != "0;1;2;31;44" {
		t.Error(got)
	}
	if got := s.sgr(false); got != "0;1;7" {
		t.Error(got)
	}
	if got := s.Paint("x"); got != "\x1b[0;1;2;31;44mx\x1b[0m" || (Style{}).Paint("x") != "x" {
		t.Errorf("%q", got)
	}
}

func TestGraphs(t *testing.T) {
	if got := Spark([]float64{0, 1, 2, 4, 8}, 7, 0); got != "   ▁▂▄█" {
		t.Errorf("%q", got)
	}
	if got := Spark([]float64{9, 9, 0.001, 8}, 2, 16); got != "▁▄" {
		t.Errorf("%q", got)
	}
	if got := Spark(nil, 3, 0) + Spark([]float64{0}, 0, 0); got != "   " {
		t.Errorf("%q", got)
	}
	if got := strings.Join(Plot([]float64{1, 2, 4}, 4, 2, 0), "|"); got != "   █| ▄██"[:len("   █")]+"| ▄██" {
		t.Errorf("%q", got)
	}
	for part, want := range map[float64]string{0: "", 0.001: "▏", 0.5: "██", 0.55: "██▎", 1: "████", 7: "████"} {
		if got := Bar(part, 4); got != want {
			t.Errorf("%v: %q, want %q", part, got, want)
		}
	}
}
