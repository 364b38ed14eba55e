package config

import (
	"os"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Folders are where standpipe writes.
type Folders struct {
	Spool   string `key:"spool_dir"`   // for large bodies and responses; empty: $TMPDIR if set, else the run-time folder
	Runtime string `key:"runtime_dir"` // empty: RUNTIME_DIRECTORY, XDG_RUNTIME_DIR and so on are tried
	State   string `key:"state_dir"`   // for what outlives a restart; empty: nothing does
}

// Settings are keys at the top.
func (*Folders) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "spool_dir", Kind: schema.Path, Hint: "DIR", Derived: "$TMPDIR when it is set, else the run-time folder"},
		{Key: "runtime_dir", Kind: schema.Path, Hint: "DIR",
			Derived: "$RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR/standpipe (under a terminal only: it goes with the login session), /run/standpipe for root, $TMPDIR/standpipe-UID: the first that works"},
		{Key: "state_dir", Kind: schema.Path, Hint: "DIR", Derived: "$STATE_DIRECTORY when it is set (StateDirectory= of systemd), else none"},
	}}
}

// Check finds folders that do not exist. The run-time folder is made.
func (f *Folders) Check(r *schema.Row) {
	for key, dir := range map[string]string{"spool_dir": f.Spool, "state_dir": f.State} {
		if dir == "" {
			continue
		}
		if st, err := os.Stat(dir); err != nil {
			r.Bad(key, "the folder %s %v", dir, reason(err))
		} else if !st.IsDir() {
			r.Bad(key, "%s is not a folder", dir)
		}
	}
}
