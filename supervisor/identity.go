package supervisor

import (
	"fmt"
	"slices"
)

// Identity is whom a process runs as.
type Identity struct {
	UID, GID uint32
	// Groups are the supplementary groups, all of them; none: it has none.
	Groups []uint32
}

// Equal: the same user, group and supplementary groups.
func (i Identity) Equal(o Identity) bool {
	return i.UID == o.UID && i.GID == o.GID && slices.Equal(i.Groups, o.Groups)
}

// Limits are what a process is confined to.
type Limits struct {
	// Umask and Nice; nil: as with this process. Nice is -20 (first) to 19 (last).
	Umask, Nice *int `json:",omitempty"`
	// AS is the address space in octets, Nofile the open files, Nproc the user's
	// processes and threads, CPU the seconds of processor time; 0: as with this
	// process.
	AS, Nofile, Nproc, CPU int64 `json:",omitempty"`
	// NoNewPrivs: setuid programs and file capabilities give it nothing.
	NoNewPrivs bool `json:",omitempty"`
}

func (l Limits) none() bool { return l == Limits{} }

// Cgroup is a leaf of the control group hierarchy (cgroup v2).
type Cgroup struct {
	// Path is the leaf's folder; its parent must exist (Delegate).
	Path string
	// MemoryMax is in octets, CPUMax in hundredths of a processor, PidsMax counts
	// processes and threads; 0: no limit.
	MemoryMax, CPUMax, PidsMax int64
}

// confineError is a setting of a Command that could not be applied.
type confineError struct {
	what string
	err  error
}

func (e *confineError) Error() string { return fmt.Sprintf("cannot apply %s: %v", e.what, e.err) }
func (e *confineError) Unwrap() error { return e.err }
