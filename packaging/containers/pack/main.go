//go:build ignore

// pack makes an image of the program alone, without a daemon: go run -modfile=tools.mod containers/pack/main.go -version 1.2.0 -out FILE amd64=PROGRAM arm64=PROGRAM
//
// The image is an index of one image for each architecture, as an OCI layout in a tar file. The same programs and the same SOURCE_DATE_EPOCH
// give the same bytes. It is a program of its own, run with packaging/tools.mod: nothing of standpipe imports it.
package main

import (
	"archive/tar"
	"bytes"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func main() {
	version := flag.String("version", "", "the release")
	revision := flag.String("revision", "", "the commit")
	licenses := flag.String("licenses", "", "an SPDX expression")
	out := flag.String("out", "", "the tar file")
	flag.Parse()
	labels := map[string]string{
		"org.opencontainers.image.title":       "standpipe",
		"org.opencontainers.image.description": "The program alone, for COPY --from: one static file that serves Python WSGI apps",
		"org.opencontainers.image.version":     *version,
		"org.opencontainers.image.revision":    *revision,
		"org.opencontainers.image.licenses":    *licenses,
		"org.opencontainers.image.source":      "https://github.com/standpipe/standpipe",
	}
	if err := pack(*version, labels, *out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func pack(version string, labels map[string]string, out string, programs []string) error {
	seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	at := time.Unix(seconds, 0).UTC()
	labels["org.opencontainers.image.created"] = at.Format(time.RFC3339)
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range programs {
		arch, path, ok := strings.Cut(p, "=")
		if !ok {
			return fmt.Errorf("%s is not like amd64=PROGRAM", p)
		}
		one, err := image(arch, path, at, labels)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: one, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
	}
	index = mutate.Annotations(index, labels).(v1.ImageIndex)

	dir, err := os.MkdirTemp("", "standpipe-image")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	whole, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	name := map[string]string{"org.opencontainers.image.ref.name": version, "io.containerd.image.name": "ghcr.io/standpipe/standpipe:" + version}
	if err := whole.AppendIndex(index, layout.WithAnnotations(name)); err != nil {
		return err
	}
	return archive(dir, out, at)
}

// image has one file, the program.
func image(arch, path string, at time.Time, labels map[string]string) (v1.Image, error) {
	program, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var files bytes.Buffer
	w := tar.NewWriter(&files)
	if err := w.WriteHeader(&tar.Header{Name: "standpipe", Mode: 0o755, Size: int64(len(program)), ModTime: at, Format: tar.FormatUSTAR}); err != nil {
		return nil, err
	}
	if _, err := w.Write(program); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	opener := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files.Bytes())), nil }
	layer, err := tarball.LayerFromOpener(opener, tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(9))
	if err != nil {
		return nil, err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err = mutate.Append(img, mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: at}, CreatedBy: "COPY standpipe /standpipe"}})
	if err != nil {
		return nil, err
	}
	return mutate.ConfigFile(img, config(img, arch, at, labels))
}

func config(img v1.Image, arch string, at time.Time, labels map[string]string) *v1.ConfigFile {
	c, err := img.ConfigFile()
	if err != nil {
		panic(err) // it was made above
	}
	c = c.DeepCopy()
	c.OS, c.Architecture, c.Created = "linux", arch, v1.Time{Time: at}
	c.Config = v1.Config{
		User:       "65532:65532",
		Entrypoint: []string{"/standpipe"},
		StopSignal: "SIGTERM",
		Labels:     labels,
		// OCI has no health check; Docker reads it all the same.
		Healthcheck: &v1.HealthConfig{Test: []string{"CMD", "/standpipe", "health"}, Interval: 10 * time.Second, Timeout: 3 * time.Second, StartPeriod: time.Minute},
	}
	return c
}

// archive writes the folder, in the order of its names.
func archive(dir, out string, at time.Time) error {
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer f.Close()
	w := tar.NewWriter(f)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		h := &tar.Header{Name: filepath.ToSlash(name), Mode: 0o644, ModTime: at, Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}
		if d.IsDir() {
			h.Name, h.Mode, h.Typeflag = h.Name+"/", 0o755, tar.TypeDir
			return w.WriteHeader(h)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		h.Size = int64(len(data))
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	})
	if err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return f.Close()
}
