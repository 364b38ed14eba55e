package process

import (
	"errors"
	"os/exec"
)

func (o startOrder) startAs(cmd *exec.Cmd) error {
	if o.Identity != nil || o.Cgroup != nil || !o.Limits.none() {
		return &confineError{"user, limits or control group", errors.ErrUnsupported}
	}
	return cmd.Start()
}

// RunConfined is for Unix only.
func RunConfined([]string) error { return errors.ErrUnsupported }
