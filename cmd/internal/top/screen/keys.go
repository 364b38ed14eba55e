package screen

import (
	"unicode"
	"unicode/utf8"
)

// Key is a key: "a", "up", "enter", "ctrl-c".
type Key string

// Decoder turns the bytes of a terminal into keys. Sequences that it does not know are left out.
type Decoder struct {
	begun []byte // the beginning of a sequence or a character; at most longest
}

// longest is how long a sequence may be. A longer one is not from a keyboard.
const longest = 64

// Feed returns the keys that bytes complete.
func (d *Decoder) Feed(data []byte) []Key {
	var keys []Key
	d.begun = append(d.begun, data...)
	for len(d.begun) > 0 {
		key, n := read(d.begun)
		if n == 0 { // more must come
			if len(d.begun) <= longest {
				return keys
			}
			n = len(d.begun)
		}
		d.begun = d.begun[n:]
		if key != "" {
			keys = append(keys, key)
		}
	}
	d.begun = nil
	return keys
}

// Waits says whether something is begun: a lone escape, or a sequence whose rest is on its way.
func (d *Decoder) Waits() bool { return len(d.begun) > 0 }

// Flush returns the key that was begun when nothing more has come: the key Esc.
func (d *Decoder) Flush() []Key {
	begun := d.begun
	d.begun = nil
	if len(begun) > 0 && begun[0] == 0x1b {
		return []Key{"esc"}
	}
	return nil
}

var controls = map[byte]Key{
	'\r': "enter", '\n': "enter", '\t': "tab", 0x7f: "backspace", 0x08: "backspace",
	0x03: "ctrl-c", 0x04: "ctrl-d", 0x0c: "ctrl-l", 0x1a: "ctrl-z", 0x1c: "ctrl-\\", 0x15: "ctrl-u", 0x17: "ctrl-w", 0x0e: "down", 0x10: "up",
	0x06: "pgdn", 0x02: "pgup", 0x01: "home", 0x05: "end",
}

// read returns the first key of b and its length; a length of 0: more bytes are needed. An empty key is to be left out.
func read(b []byte) (Key, int) {
	switch {
	case b[0] == 0x1b:
		return sequence(b)
	case b[0] < ' ' || b[0] == 0x7f:
		return controls[b[0]], 1
	case !utf8.FullRune(b):
		return "", 0
	}
	r, n := utf8.DecodeRune(b)
	if r == utf8.RuneError || !unicode.IsGraphic(r) {
		return "", n
	}
	return Key(string(r)), n
}

var finals = map[byte]Key{'A': "up", 'B': "down", 'C': "right", 'D': "left", 'H': "home", 'F': "end", 'Z': "shift-tab", 'M': "enter"}

var tildes = map[string]Key{"1": "home", "7": "home", "4": "end", "8": "end", "5": "pgup", "6": "pgdn", "3": "delete", "11": "?"}

// sequence reads what begins with an escape (ECMA-48, 5.4).
func sequence(b []byte) (Key, int) {
	if len(b) == 1 {
		return "", 0
	}
	switch b[1] {
	case 'O':
		if len(b) < 3 {
			return "", 0
		}
		if b[2] == 'P' { // F1
			return "?", 3
		}
		return finals[b[2]], 3
	case '[':
	default: // Esc, and the next key has come with it
		return "esc", 1
	}
	for i := 2; i < len(b); i++ {
		switch c := b[i]; {
		case c >= 0x20 && c <= 0x3f: // parameters
		case c == '~':
			return tildes[string(b[2:i])], i + 1
		case c >= 0x40 && c <= 0x7e:
			if i > 2 && b[2] >= 0x3c { // private: an answer of the terminal, the mouse
				return "", i + 1
			}
			return finals[c], i + 1
		default: // not a sequence
			return "", i
		}
	}
	return "", 0
}
