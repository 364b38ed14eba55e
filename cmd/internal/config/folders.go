package config

import (
	"os"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Folders are where standpipe writes.
type Folders struct {
	Spool   string `key:"spool_dir"`   // for large bodies and responses; empty: $TMPDIR if set, else the run-time folder
	Runtime string `key:"runtime_dir"` // empty: RUNTIME_DIRECTORY, XDG_RUNTIME_DIR and so on are tried
}

// Settings are keys at the top.
func (*Folders) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "spool_dir", Kind: schema.Path, Hint: "DIR", Derived: "$TMPDIR when it is set, else the run-time folder"},
		{Key: "runtime_dir", Kind: schema.Path, Hint: "DIR",
			Derived: "$RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR/standpipe (under a terminal only: it goes with the login session), /run/standpipe for root, $TMPDIR/standpipe-UID: the first that works"},
	}}
}

// Check finds a spool folder that does not exist. The run-time folder is made.
func (f *Folders) Check(r *schema.Row) {
	if f.Spool == "" {
		return
	}
	if st, err := os.Stat(f.Spool); err != nil {
		r.Bad("spool_dir", "the folder %s %v", f.Spool, reason(err))
	} else if !st.IsDir() {
		r.Bad("spool_dir", "%s is not a folder", f.Spool)
	}
}
