//go:build !linux

package disk

import (
	"errors"
	"io/fs"
	"os"
)

func openUnnamed(*os.File) (*os.File, error) { return nil, errors.ErrUnsupported }

func linkUnnamed(*os.File, *os.File, string) error { return errors.ErrUnsupported }

func unnamed(*os.File, fs.FileInfo) bool { return false }
