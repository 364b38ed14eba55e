package export

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// nginxSize is a size as nginx reads it.
func nginxSize(n int64) string {
	switch {
	case n != 0 && n%(1<<20) == 0:
		return fmt.Sprintf("%dm", n>>20)
	case n != 0 && n%(1<<10) == 0:
		return fmt.Sprintf("%dk", n>>10)
	}
	return strconv.FormatInt(n, 10)
}

// nginxTime is a time as nginx reads it; none is a day.
func nginxTime(d time.Duration) string {
	switch {
	case d == 0:
		return "1d"
	case d%time.Second == 0:
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return fmt.Sprintf("%dms", d.Milliseconds())
}

// seconds are whole ones, rounded up; none is a day.
func seconds(d time.Duration) int64 {
	if d == 0 {
		return 86400
	}
	return int64((d + time.Second - 1) / time.Second)
}

// variable is the CGI variable of a field.
func variable(field string) string {
	return "HTTP_" + strings.ToUpper(strings.ReplaceAll(field, "-", "_"))
}

// quotePath is a word of any line of a unit except ExecStart=.
func quotePath(s string) string { return strings.ReplaceAll(quoteUnit(s), "$$", "$") }

// quoteText is a text in nginx's and Apache's files.
func quoteText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// quoteTexts are some in one line.
func quoteTexts(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = quoteText(s)
	}
	return strings.Join(out, " ")
}

// portOf is the port of "80", "host:80", "[::]:80"; "80" when none is there.
func portOf(listen string) string {
	if _, port, err := net.SplitHostPort(listen); err == nil {
		return port
	}
	if _, err := strconv.ParseUint(listen, 10, 16); err == nil {
		return listen
	}
	return "80"
}

// reachable is where a program on this machine connects to, for a listening address.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	switch host {
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}

// quoteUnit is a word of ExecStart= (systemd.syntax(7)).
func quoteUnit(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "%", "%%"), "$", "$$")
	if s != "" && !strings.ContainsAny(s, " \t\"'\\;") {
		return s
	}
	return `"` + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), `"`, `\"`) + `"`
}
