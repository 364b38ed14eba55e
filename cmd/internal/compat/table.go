package compat

import (
	"bufio"
	"fmt"
	"strings"
)

// readTable gives the rows of a table to add, in their order. They have least columns or more; add gets all of them. The last one is
// a message; the column of the state is counted from 0. Lines that begin with # explain the form. "@name = sentence" is for messages that begin with @name.
func readTable(text string, columns, least, state int, add func(row []string)) error {
	shared := map[string]string{}
	for s, n := bufio.NewScanner(strings.NewReader(text)), 1; s.Scan(); n++ {
		line := s.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		if name, sentence, ok := strings.Cut(line, " = "); ok && line[0] == '@' {
			shared[name] = sentence
			continue
		}
		row := strings.SplitN(line, " | ", columns)
		if len(row) < least {
			return fmt.Errorf("line %d: want %d columns: %q", n, columns, line)
		}
		row = append(row, make([]string, columns-len(row))...)
		if !knownState(State(row[state])) {
			return fmt.Errorf("line %d: unknown state %q", n, row[state])
		}
		message := &row[columns-1]
		if name, rest, _ := strings.Cut(*message, " "); strings.HasPrefix(name, "@") {
			if shared[name] == "" {
				return fmt.Errorf("line %d: no sentence %s", n, name)
			}
			*message = strings.TrimSpace(shared[name] + " " + rest)
		}
		add(row)
	}
	return nil
}
