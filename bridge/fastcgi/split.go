package fastcgi

import "strings"

// split finds the script that path names: up to the first segment that has the ending of a
// script and is a file below the root. "/x.jpg/y.php" names none where x.jpg is a file. Empty:
// there is none.
func (s *Scripts) split(path string) (script, root string) {
	for end := range segments(path[len(s.Prefix):]) {
		at := path[:len(s.Prefix)+end]
		if !s.isScript(at) {
			continue
		}
		info, root, ok := s.Look(at)
		switch {
		case !ok:
			return "", "" // and nothing below it is there
		case info.Mode().IsRegular():
			return at, root
		}
	}
	return "", ""
}

// cut is split without a look at the root. PHP would go back to the last file there is
// (cgi.fix_pathinfo), so no segment before the script may look like another file's.
func (s *Scripts) cut(path string) (script string) {
	begin := 0
	rest := path[len(s.Prefix):]
	for end := range segments(rest) {
		switch segment := rest[begin:end]; {
		case strings.HasPrefix(segment, "/."):
			return ""
		case s.isScript(segment):
			return path[:len(s.Prefix)+end]
		case strings.Contains(segment, "."):
			return ""
		}
		begin = end
	}
	return ""
}

// segments yields where each segment of a path ends.
func segments(path string) func(yield func(end int) bool) {
	return func(yield func(int) bool) {
		for i := 1; i <= len(path); i++ {
			if (i == len(path) || path[i] == '/') && !yield(i) {
				return
			}
		}
	}
}

// isScript reports whether a name has the ending of a script.
func (s *Scripts) isScript(name string) bool {
	for _, ending := range s.Split {
		if strings.HasSuffix(name, ending) {
			return true
		}
	}
	return false
}

// plain reports whether a path has no byte and no segment that systems read in different ways.
func plain(path string) bool {
	for i := range len(path) {
		if c := path[i]; c < ' ' || c == 0x7f || c == '\\' {
			return false
		}
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return true
}
