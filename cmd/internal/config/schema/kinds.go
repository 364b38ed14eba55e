package schema

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Kind is how a setting's value is written.
type Kind uint8

// The kinds.
const (
	Text     Kind = iota
	Choice        // one of the setting's Choices
	Path          // a file or folder; relative to the current folder, or to the file that names it
	Int           // a whole number, 0 or more
	Size          // bytes
	Duration      // time
	List          // texts; separated by commas on the command line and in the environment
	Pairs         // NAME=VALUE, repeatable; a table in the file
	Mode          // a socket's permissions in octal
	Switch        // on or off; the bare flag is on
)

func (k Kind) String() string {
	return [...]string{"text", "choice", "path", "number", "size", "duration", "list", "NAME=VALUE", "octal mode", "`on` or `off`"}[k]
}

var (
	errDuration = errors.New(`is not a duration; write 30s, 1m30s, 250ms, or a number of seconds`)
	errSize     = errors.New(`is not a size; write 64KiB, 100MiB, 1GiB, or a number of bytes`)
	errSwitch   = errors.New(`is not on or off`)
	errInt      = errors.New(`is not a whole number`)
	errNegative = errors.New(`is negative; 0 means no limit`)
)

// ParseDuration reads "30s", "1m30s", "250ms", or a bare number of seconds, which may have a fraction.
func ParseDuration(s string) (time.Duration, error) {
	s = strings.TrimSpace(s)
	d, err := time.ParseDuration(s)
	if err != nil {
		f, ferr := strconv.ParseFloat(s, 64)
		if ferr != nil || math.IsNaN(f) || math.Abs(f) > math.MaxInt64/float64(time.Second) || strings.ContainsAny(s, "xXpP_") {
			return 0, errDuration
		}
		d = time.Duration(f * float64(time.Second))
	}
	if d < 0 {
		return 0, errNegative
	}
	return d, nil
}

// ParseSize reads "64KiB", "100M", "1gb", or a bare number of bytes. All units are powers of 1024.
func ParseSize(s string) (int64, error) {
	t := strings.ToLower(strings.TrimSpace(s))
	digits := strings.TrimRight(t, "bikmgt ")
	unit := strings.TrimSpace(t[len(digits):])
	shift, ok := map[string]uint{
		"": 0, "b": 0, "k": 10, "kb": 10, "kib": 10, "m": 20, "mb": 20, "mib": 20,
		"g": 30, "gb": 30, "gib": 30, "t": 40, "tb": 40, "tib": 40,
	}[unit]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !ok {
		return 0, errSize
	}
	if n < 0 {
		return 0, errNegative
	}
	if n > math.MaxInt64>>shift {
		return 0, errSize
	}
	return n << shift, nil
}

// ParseSwitch reads "on" and "off", and what other programs call them.
func ParseSwitch(s string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "on", "true", "yes", "1":
		return true, nil
	case "off", "false", "no", "0":
		return false, nil
	}
	return false, errSwitch
}

// ParseInt reads a whole number, 0 or more.
func ParseInt(s string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n > math.MaxInt32 {
		return 0, errInt
	}
	if n < 0 {
		return 0, errNegative
	}
	return n, nil
}

// FormatSize writes n as ParseSize reads it, in the largest unit that is exact.
func FormatSize(n int64) string {
	for _, u := range []struct {
		name  string
		shift uint
	}{{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}} {
		if n != 0 && n&(1<<u.shift-1) == 0 {
			return fmt.Sprintf("%d%s", n>>u.shift, u.name)
		}
	}
	return strconv.FormatInt(n, 10)
}

// FormatDuration writes d as ParseDuration reads it, without the zero parts.
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	if d < 2*time.Minute && d%time.Second == 0 {
		return fmt.Sprintf("%ds", d/time.Second) // 75s, not 1m15s
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// splitList cuts at commas and drops empty parts.
func splitList(s string) []string {
	var out []string
	for _, f := range strings.Split(s, ",") {
		if f = strings.TrimSpace(f); f != "" {
			out = append(out, f)
		}
	}
	return out
}

// Store parses v into p. It leaves p alone when v cannot be read: the default stays, and no second problem follows from a
// zero. The error is the end of a sentence that begins with the value.
func Store[T any](p *T, v string, parse func(string) (T, error)) error {
	n, err := parse(v)
	if err != nil {
		return fmt.Errorf("%q %w", v, err)
	}
	*p = n
	return nil
}
