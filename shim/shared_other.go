//go:build !linux

package shim

import (
	"errors"
	"os"
)

// No shim sends a Memory here: sealed files are Linux's.
func mapShared(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmapShared([]byte) {}
