package compose

import (
	"errors"
	"math"
	"os"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/cmd/internal/config"
)

// What spool_total is when nobody has set it; octets.
const (
	spoolMost   = 8 << 30
	spoolMemory = 256 << 20 // the folder is memory, or its space is unknown
)

// spoolParents are the folders for large bodies, in the order to try.
func spoolParents(cfg *config.Config, runtime string) []string {
	if cfg.SpoolDir != "" {
		return []string{cfg.SpoolDir}
	}
	var dirs []string
	if d := os.Getenv("TMPDIR"); d != "" {
		dirs = append(dirs, d)
	}
	if runtime != "" {
		dirs = append(dirs, runtime)
	}
	return dirs
}

// newSpool makes the spool of all apps. openSpool comes before its first use.
func newSpool(cfg *config.Config) *httpx.Spool {
	return &httpx.Spool{Memory: bodyMemory(cfg.BufferBody), Total: cfg.SpoolTotal}
}

// openSpool makes the spool's folder, as the user that serves; nil when there can be
// none: bodies are in memory then, and a line says so once.
func openSpool(spool *httpx.Spool, cfg *config.Config, runtime string, log *Log) *httpx.Folder {
	folder, err := openFolder(spoolParents(cfg, runtime), log)
	if err != nil {
		log.Warn("no_spool_dir", "error", strings.ReplaceAll(err.Error(), "\n", "; "), "message",
			"no folder for large request bodies can be written (spool_dir, TMPDIR): they are kept in memory, at most 256MiB in all")
	} else {
		spool.Dir = folder.Path
	}
	if spool.Total == config.SpoolAuto {
		spool.Total = autoTotal(httpx.Space(spool.Folder()))
	}
	return folder
}

func openFolder(parents []string, log *Log) (*httpx.Folder, error) {
	err := errors.New("no folder is known")
	for i, parent := range parents {
		folder, swept, failed := httpx.OpenFolder(parent)
		if swept > 0 {
			log.Info("spool_swept", "dir", parent, "folders", swept)
		}
		if failed == nil {
			return folder, nil
		}
		if i == 0 {
			err = nil
		}
		err = errors.Join(err, failed)
	}
	return nil, err
}

// autoTotal is 25 % of the free space, within bounds.
func autoTotal(free int64, memory bool) int64 {
	if memory || free <= 0 {
		return spoolMemory
	}
	return min(free/4, spoolMost)
}

// bodyMemory is buffer_body for a Spool, whose 0 means its own default: 0 octets
// is no limit to us, as everywhere. A block grows with its body, so a large number
// takes nothing by itself.
func bodyMemory(bufferBody int64) int {
	const all = math.MaxInt / 2 // blocks double up to it
	if bufferBody <= 0 || bufferBody > all {
		return all
	}
	return int(bufferBody)
}
