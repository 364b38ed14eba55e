package compose

import (
	"errors"
	"math"
	"os"
	"sync"

	"github.com/standpipe/standpipe/bridge/spool"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/errorlog"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
)

// What may be taken at most when no setting says so, and which part of the memory limit that
// is at most; bytes. With what memory_budget divides (5/16 of the limit) the parts without what
// workers share are 9/16 of it where the folder is memory: the rest is for the apps, and for this
// process.
const (
	spoolMost   = 8 << 30   // of bodies, and of answers, on a disk
	spoolMemory = 256 << 20 // of each where the folder is memory, there is none, or its space is unknown
	spoolPart   = 8
	// what workers share with this process; no limit where that of the memory is not known
	sharedMemoryPart = 8
	// one client may have so much of what all have, in any case; see Budget.Share
	sharePart = 4
)

// spoolParents are the folders for large bodies, in the order to try.
func spoolParents(cfg *config.Config, runtime string) []string {
	if cfg.Folders.Spool != "" {
		return []string{cfg.Folders.Spool}
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

// storage keeps what waits: large request bodies, and the answers of slow clients.
type storage struct {
	log     *logfile.Log
	bodies  *spool.Spool
	answers *spool.Pipes
	folder  spoolFolder // from open on
}

// newStorage makes the storage of all apps. open comes before its first use.
func newStorage(cfg *config.Config, log *logfile.Log) *storage {
	bodies := &spool.Spool{
		Memory: bodyMemory(cfg.Limits.BufferBody), Blocks: cfg.Memory.Bodies,
		RAM:   config.PartOf(cfg.MemoryLimit, spoolPart, spoolMemory),
		Files: spool.Budget{Name: "spool_total", Total: cfg.Limits.SpoolTotal},
	}
	answers := &spool.Pipes{
		Spool: bodies, Memory: cfg.Limits.ResponseMemory, Total: cfg.Memory.Answers, Max: cfg.Limits.SpoolMax,
		Files: spool.Budget{Name: "answer_total", Total: cfg.Limits.AnswerTotal},
	}
	sharedMemory.Limit(config.PartOf(cfg.MemoryLimit, sharedMemoryPart, 0))
	return &storage{log: log, bodies: bodies, answers: answers, folder: spoolFolder{log: log}}
}

// BudgetUse is how much of something that all clients share is used.
type BudgetUse struct {
	Name        string
	Used, Limit int64
}

// Budgets are those of the spool.
func Budgets(of *Server) []BudgetUse {
	s := of.parts.storage
	return []BudgetUse{
		{s.bodies.Files.Name, s.bodies.Files.Used(), max(s.bodies.Files.Total, 0)},
		{s.answers.Files.Name, s.answers.Files.Used(), max(s.answers.Files.Total, 0)},
		{"body_memory", s.bodies.InMemory(), max(s.bodies.Blocks, 0)},
	}
}

// open makes the folder, as the user that serves, and works out what it may hold. An error
// says that there can be none: bodies are in memory then, which has had its record.
func (s *storage) open(cfg *config.Config, parents []string) error {
	bodies, answers, log := s.bodies, s.answers, s.log
	err := s.folder.open(parents)
	if err == nil {
		bodies.Dir, bodies.Replace = s.folder.Path, s.folder.again
	}
	free, memory := spool.Space(bodies.Folder())
	auto := autoTotal(free, memory || err != nil, cfg.MemoryLimit)
	for _, b := range []*spool.Budget{&bodies.Files, &answers.Files} {
		if b.Total == config.SpoolAuto {
			b.Total = auto
		}
		b.Share = b.Total / sharePart
	}
	if err != nil && bodies.Files.Total > bodies.RAM || err != nil && bodies.Files.Total == 0 {
		bodies.Files.Total, bodies.Files.Share = bodies.RAM, bodies.RAM/sharePart
	}
	total := schema.FormatSize(bodies.Files.Total)
	switch {
	case err != nil:
		log.Warn("no_spool_dir", "error", oneLine(err), "spool_total", errorlog.Bytes(bodies.Files.Total), "message",
			"no folder for large request bodies can be written (spool_dir, TMPDIR): they are kept in memory, at most "+total+" in all")
	case memory:
		log.Warn("spool_in_memory", "dir", bodies.Dir, "spool_total", errorlog.Bytes(bodies.Files.Total), "answer_total", errorlog.Bytes(answers.Files.Total), "message",
			"the folder for large request bodies and answers is memory (tmpfs), and counts in the memory limit; spool_dir names one on a disk")
	}
	if most := bodies.Files.Total / 2; most > 0 && (cfg.Limits.MaxBody == 0 || cfg.Limits.MaxBody > most) {
		log.Warn("max_body_unfit", "max_body", errorlog.Bytes(cfg.Limits.MaxBody), "spool_total", errorlog.Bytes(bodies.Files.Total), "client_total", errorlog.Bytes(most), "message",
			"a request body of max_body finds no room: one client may have half of spool_total while the rest is free, a quarter in any case, and beyond that the answer is 503; raise spool_total, lower max_body, or name a larger spool_dir")
	}
	return err
}

// spoolFolder is the folder of large bodies. It may be removed while the server runs.
type spoolFolder struct {
	log     *logfile.Log
	shared  bool            // other users may open what they are given, and may not list it
	parents func() []string // where it may be made again, in the order to try

	mu            sync.Mutex
	*spool.Folder        // nil: there is none
	told          string // the one whose loss was told
}

func (f *spoolFolder) open(parents []string) error {
	err := errors.New("no folder is known")
	for i, parent := range parents {
		folder, swept, failed := spool.OpenFolder(parent)
		if swept > 0 {
			f.log.Info("spool_swept", "dir", parent, "folders", swept)
		}
		if failed == nil && f.shared {
			failed = os.Chmod(folder.Path, 0o711)
		}
		if failed == nil {
			f.Folder = folder
			return nil
		}
		if i == 0 {
			err = nil
		}
		err = errors.Join(err, failed)
	}
	return err
}

// again makes a folder in the place of one that has gone. While none can be made bodies
// are in memory, and each large one tries again.
func (f *spoolFolder) again(lost string) (dir string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Path != lost { // another body has been here
		return f.Path, nil
	}
	old, parents := f.Folder, f.parents()
	for _, parent := range parents {
		if os.MkdirAll(parent, 0o755) == nil {
			break
		}
	}
	if err = f.open(parents); err == nil {
		old.Close()
	}
	if err == nil || f.told != lost {
		f.told = lost
		pairs := []any{"path", lost}
		if err == nil {
			pairs = append(pairs, "dir", f.Path)
		} else {
			pairs = append(pairs, "error", oneLine(err))
		}
		f.log.Warn("spool_dir_lost", pairs...)
	}
	return f.Path, err
}

func (f *spoolFolder) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Folder != nil {
		f.Close()
	}
}

// autoTotal is 25 % of the free space, within bounds; in memory a part of its limit.
func autoTotal(free int64, memory bool, limit int64) int64 {
	if memory || free <= 0 {
		return config.PartOf(limit, spoolPart, spoolMemory)
	}
	return min(free/4, spoolMost)
}

// bodyMemory is buffer_body for a Spool, whose 0 means its own default: 0 bytes
// is no limit to us, as everywhere. A block grows with its body, so a large number
// takes nothing by itself.
func bodyMemory(bufferBody int64) int {
	const all = math.MaxInt / 2 // blocks double up to it
	if bufferBody <= 0 || bufferBody > all {
		return all
	}
	return int(bufferBody)
}
