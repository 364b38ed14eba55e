package limit

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

var errRate = errors.New("is not a rate; write 10/s, 100/m, 1000/h or 5/10s: how many requests in which time")

// units are those of ParseRate.
var units = map[string]time.Duration{
	"s": time.Second, "sec": time.Second, "second": time.Second,
	"m": time.Minute, "min": time.Minute, "minute": time.Minute,
	"h": time.Hour, "hour": time.Hour, "d": 24 * time.Hour, "day": 24 * time.Hour,
}

// The bounds of a rate.
const (
	mostCount = 1_000_000
	mostPer   = 24 * time.Hour
)

// ParseRate reads "10/s", "100/m", "5/10s"; also "10r/s", as nginx writes it. The error is the end
// of a sentence that begins with the text.
func ParseRate(s string) (count int, per time.Duration, err error) {
	head, tail, ok := strings.Cut(s, "/")
	head, tail = strings.TrimSpace(head), strings.ToLower(strings.TrimSpace(tail))
	count, bad := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(head, "r")))
	if !ok || bad != nil || strings.HasPrefix(head, "+") {
		return 0, 0, errRate
	}
	unit := strings.TrimLeft(tail, "0123456789")
	times := 1
	if digits := tail[:len(tail)-len(unit)]; digits != "" {
		if times, bad = strconv.Atoi(digits); bad != nil || times < 1 || times > int(mostPer/time.Second) {
			return 0, 0, errRate
		}
	}
	one, known := units[strings.TrimSpace(unit)]
	per = time.Duration(times) * one
	switch {
	case !known:
		return 0, 0, errRate
	case count < 1:
		return 0, 0, errors.New("allows no request; the least is 1/d")
	case count > mostCount || per > mostPer:
		return 0, 0, fmt.Errorf("is beyond what can be counted: at most %d requests in at most a day", mostCount)
	}
	return count, per, nil
}

// FormatRate writes a rate as ParseRate reads it.
func FormatRate(count int, per time.Duration) string {
	for _, u := range []struct {
		name string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		switch {
		case per == u.size:
			return fmt.Sprintf("%d/%s", count, u.name)
		case per > u.size && per%u.size == 0:
			return fmt.Sprintf("%d/%d%s", count, per/u.size, u.name)
		}
	}
	return fmt.Sprintf("%d/%s", count, per)
}
