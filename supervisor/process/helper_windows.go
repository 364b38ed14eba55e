package process

import (
	"errors"
	"os"
)

// Identities are for Unix.

// HelperTable is what a helper may do.
type HelperTable struct {
	Allow     []HelperEntry
	ServerUID uint32
	Cgroups   []string
}

// HelperEntry is one identity and its programs.
type HelperEntry struct {
	Identity Identity
	Programs []string
}

// Helper is never there.
type Helper struct{}

// StartHelper is for Unix.
func StartHelper(HelperTable) (*Helper, error) { return nil, errors.ErrUnsupported }

// RunHelper is for Unix.
func RunHelper() error { return errors.ErrUnsupported }

// Become is for Unix.
func Become(Identity) error { return errors.ErrUnsupported }

// Spawn fails.
func (*Helper) Spawn(Command) (*Child, error) { return nil, errors.ErrUnsupported }

// Give fails.
func (*Helper) Give(*os.File, Identity) error { return errors.ErrUnsupported }

// Pid is 0.
func (*Helper) Pid() int { return 0 }

// Close does nothing.
func (*Helper) Close() {}

// Done is never closed.
func (*Helper) Done() <-chan struct{} { return nil }
