package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/compress"
	"github.com/standpipe/standpipe/bridge/static"
	"github.com/standpipe/standpipe/cmd/internal/cli"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/exit"
)

const compressText = `Writes NAME.br, NAME.zst and NAME.gz beside each file that is worth it: of a type that compresses, and at least 6 % smaller.
Siblings that are up to date are left alone; the sibling of a changed file is written again. Run it when the files are in
place, after collectstatic or the build.

   standpipe compress static
   standpipe compress --codings gzip,br /srv/shop/static`

func compressCommand() *cli.Command {
	return &cli.Command{Name: "compress", Usage: "compress static files ahead of time", ArgsUsage: "DIR", Action: compressDir, Description: compressText, Category: forFiles, Most: 1, Extra: "only one DIR is allowed",
		Flags: []*cli.Flag{
			{Name: "codings", Hint: "A,B", Usage: "the codings to write: br, zstd, gzip", Value: "br,zstd,gzip"},
			{Name: "min", Hint: "SIZE", Usage: "the smallest file", Value: "256"},
		}}
}

// forFiles are the commands that neither configure nor control a server.
const forFiles = "for files"

// compressDir compresses the files of a folder.
func compressDir(c *cli.Context) error {
	dir := c.Arg(0)
	if dir == "" {
		return exit.With(exit.Usage, fmt.Errorf("compress needs a folder; write: standpipe compress static"))
	}
	least, err := schema.ParseSize(c.String("min"))
	if err != nil {
		return exit.With(exit.Usage, fmt.Errorf("--min %q %w", c.String("min"), err))
	}
	var codings []string
	for name := range strings.SplitSeq(c.String("codings"), ",") {
		name = strings.TrimSpace(name)
		if static.Suffix(name) == "" {
			return exit.With(exit.Usage, fmt.Errorf("--codings: %q is not one of br, zstd, gzip", name))
		}
		codings = append(codings, name)
	}
	began := time.Now()
	job := &compressing{encoder: compress.NewEncoder(compress.Best), codings: codings, least: least, types: static.Textual((&config.Files{CompressTypes: []string{"default"}}).MediaTypes())}
	if err := job.run(dir); err != nil {
		return exit.With(exit.Failed, err)
	}
	fmt.Fprintf(c.App.Out, "%d files, %d siblings written, %d up to date, %d not worth it; %s became %s in %.1f s\n", job.files, job.written, job.fresh, job.poor,
		schema.FormatSize(job.before), schema.FormatSize(job.after), time.Since(began).Seconds())
	return nil
}

// compressing is one run.
type compressing struct {
	encoder *compress.Encoder
	codings []string
	least   int64
	types   func(name string) bool

	mu                          sync.Mutex
	files, written, fresh, poor int
	before, after               int64 // bytes of the files with a new sibling, and of the siblings
	err                         error
}

// run walks through dir with as many goroutines as there are processors; it waits for
// them.
func (j *compressing) run(dir string) error {
	names := make(chan string)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for name := range names {
				if err := j.file(name); err != nil {
					j.mu.Lock()
					if j.err == nil {
						j.err = err
					}
					j.mu.Unlock()
				}
			}
		})
	}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != dir && strings.HasPrefix(d.Name(), ".") && d.Name() != ".well-known":
			if d.IsDir() {
				return fs.SkipDir
			}
		case d.Type().IsRegular() && j.types(d.Name()):
			names <- name
		}
		return nil
	})
	close(names)
	workers.Wait()
	if err == nil {
		err = j.err
	}
	return err
}

func (j *compressing) file(name string) error {
	st, err := os.Stat(name)
	if err != nil || st.Size() < j.least {
		return err
	}
	j.mu.Lock()
	j.files++
	j.mu.Unlock()
	var content []byte
	for _, coding := range j.codings {
		sibling := name + static.Suffix(coding)
		old, err := os.Stat(sibling)
		if err == nil && old.ModTime().Equal(st.ModTime()) {
			j.mu.Lock()
			j.fresh++
			j.mu.Unlock()
			continue
		}
		if content == nil {
			if content, err = os.ReadFile(name); err != nil {
				return err
			}
		}
		out, err := j.encoder.Encode(coding, content)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		worth := len(out) < len(content)-len(content)/16
		j.mu.Lock()
		if worth {
			j.written++
			j.before, j.after = j.before+int64(len(content)), j.after+int64(len(out))
		} else {
			j.poor++
		}
		j.mu.Unlock()
		if !worth {
			if old != nil { // of an earlier version of the file
				if err := os.Remove(sibling); err != nil {
					return err
				}
			}
			continue
		}
		if err := writeSibling(sibling, out, st); err != nil {
			return err
		}
	}
	return nil
}

// writeSibling writes a file and then renames it, with the mode and the time of the original:
// a server that looks meanwhile sees the old file or the new one.
func writeSibling(name string, content []byte, of fs.FileInfo) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".standpipe-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // after the rename there is nothing to remove
	_, err = f.Write(content)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chmod(f.Name(), of.Mode().Perm())
	}
	if err == nil {
		err = os.Chtimes(f.Name(), of.ModTime(), of.ModTime())
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	return err
}
