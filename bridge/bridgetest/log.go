// Package bridgetest holds what the tests of several rooms of bridge share. No
// program imports it.
package bridgetest

import (
	"bytes"
	"sync"
)

// Log is where a logger of a test writes; it may be read meanwhile.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write adds to it.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is what was written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
