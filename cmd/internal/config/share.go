package config

import (
	"errors"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Share is a number, or a part of another one.
type Share struct {
	N       int
	Percent float64 // above 0: N does not count
	None    bool    // of surge: none, and the others do not count
}

// Of is the share of n, rounded down.
func (s Share) Of(n int) int {
	if s.Percent > 0 {
		return int(float64(n) * s.Percent / 100)
	}
	return s.N
}

// String is the share as one would write it.
func (s Share) String() string {
	switch {
	case s.None:
		return "none"
	case s.Percent > 0:
		return strconv.FormatFloat(s.Percent, 'f', -1, 64) + "%"
	}
	return strconv.Itoa(s.N)
}

// ParseShare reads "25%" or a number.
func ParseShare(s string) (Share, error) {
	if p, ok := strings.CutSuffix(strings.TrimSpace(s), "%"); ok {
		f, err := strconv.ParseFloat(strings.TrimSpace(p), 64)
		if err != nil || !(f >= 0 && f <= 1000) {
			return Share{}, errors.New("is not a share; write 25% or a number")
		}
		return Share{Percent: f}, nil
	}
	n, err := schema.ParseInt(s)
	return Share{N: n}, err
}
