package journal

import (
	"fmt"
	"slices"
	"strings"
)

// Stuck returns the place at which the request's thread is, out of stacks in
// either form: the shim's own ("  shop/reports.py:88 in build: rows = ...",
// newest call last in each thread; the request's thread is marked) or faulthandler's ('  File "x.py", line 88 in
// build', newest call first). It prefers the app's own code, which both write
// with the fewest directories in front. Empty: nothing was found.
func Stuck(stacks string) string {
	if strings.Contains(stacks, `  File "`) {
		return stuckInC(stacks)
	}
	if _, marked, ok := strings.Cut(stacks, ", of this request\n"); ok {
		stacks, _, _ = strings.Cut(marked, "\nthread ")
	}
	var best string
	for line := range strings.Lines(stacks) {
		place := strings.TrimSpace(line)
		if !strings.HasPrefix(line, "  ") || !strings.Contains(place, " in ") {
			continue
		}
		// The app's own files are shown relative to its folder.
		if best == "" || !strings.HasPrefix(place, "/") || strings.HasPrefix(best, "/") {
			best = place
		}
	}
	return best
}

// stuckInC reads faulthandler's text: the first frame of the first thread that
// runs a request, else of the last thread, which is the main one.
func stuckInC(stacks string) string {
	var place, serving string
	fresh := false
	for line := range strings.Lines(stacks) {
		switch {
		case strings.Contains(line, "hread 0x"):
			fresh = true
		case serving == "" && place != "" && strings.HasPrefix(line, `  File "`) &&
			strings.Contains(line, "standpipe_shim") && strings.HasSuffix(strings.TrimSpace(line), " in serve"):
			serving = place
		case fresh && strings.HasPrefix(line, `  File "`):
			file, rest, _ := strings.Cut(strings.TrimPrefix(line, `  File "`), `", line `)
			number, function, _ := strings.Cut(strings.TrimSpace(rest), " in ")
			if !strings.Contains(file, "standpipe_shim") && !strings.HasPrefix(file, "<frozen importlib") {
				place = fmt.Sprintf("%s:%s in %s", file, number, function)
				fresh = false
			}
		}
	}
	if serving != "" {
		return serving
	}
	return place
}

// sameStacks says whether two looks at a process found all its threads at the same lines.
func sameStacks(one, other string) bool {
	frames := func(stacks string) (list []string) {
		for line := range strings.Lines(stacks) {
			if strings.HasPrefix(line, "  ") { // the lines between have the threads' numbers
				list = append(list, strings.TrimSpace(line))
			}
		}
		return list
	}
	was := frames(one)
	return len(was) > 0 && slices.Equal(was, frames(other))
}
