package process

import (
	"fmt"
	"path/filepath"
	"slices"
)

// Identity is the user and the groups that a process runs as.
type Identity struct {
	UID, GID uint32
	// Groups are all supplementary groups; empty: there are none.
	Groups []uint32
}

// Equal reports whether user, group and supplementary groups are the same.
func (i Identity) Equal(o Identity) bool {
	return i.UID == o.UID && i.GID == o.GID && slices.Equal(i.Groups, o.Groups)
}

// Limits confine a process.
type Limits struct {
	// Umask and Nice; nil: those of this process. Nice is -20 (first) to 19 (last).
	Umask, Nice *int `json:",omitempty"`
	// AS is the address space in bytes, Nofile the open files, Nproc the processes and threads of the user, CPU the seconds
	// of processor time; 0: those of this process.
	AS, Nofile, Nproc, CPU int64 `json:",omitempty"`
	// NoNewPrivs: setuid programs and file capabilities give the process no privileges.
	NoNewPrivs bool `json:",omitempty"`
}

func (l Limits) none() bool { return l == Limits{} }

// Cgroup is a leaf of the control group hierarchy (cgroup v2).
type Cgroup struct {
	// Path is the folder of the leaf; its parent must exist (Delegate).
	Path string
	// MemoryMax is in bytes, CPUMax in hundredths of a processor, PidsMax counts processes and threads; 0: no limit.
	MemoryMax, CPUMax, PidsMax int64
	// Name is the name of the control group of one process below Path, which ends with that process. The starter of the
	// process makes it up.
	Name string `json:",omitempty"`
}

// limits reports whether the leaf has limits. Without limits a process may run outside it.
func (c *Cgroup) limits() bool { return c != nil && (c.MemoryMax > 0 || c.CPUMax > 0 || c.PidsMax > 0) }

// branch is the group of one process and of all that it starts; empty: it has none.
func (c *Cgroup) branch() branch {
	if c == nil {
		return ""
	}
	return branch(filepath.Join(c.Path, c.Name))
}

// branch is the folder of a process's own control group.
type branch string

// confineError is a setting of a Command that could not be applied.
type confineError struct {
	what string
	err  error
}

func (e *confineError) Error() string { return fmt.Sprintf("cannot apply %s: %v", e.what, e.err) }
func (e *confineError) Unwrap() error { return e.err }
