package laws

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// TestDocMap holds that the package comment in doc.go names every file of its package, in full or by a pattern such as
// `spawn_*.go`: a newcomer reads doc.go first. A package of one file needs no map.
func TestDocMap(t *testing.T) {
	t.Parallel()
	packages := map[string][]string{}
	for _, name := range tracked(t, ".go") {
		if strings.HasSuffix(name, "_test.go") || strings.Contains(name, "testdata/") || strings.HasPrefix(name, "integration/") {
			continue
		}
		packages[path.Dir(name)] = append(packages[path.Dir(name)], path.Base(name))
	}
	for dir, files := range packages {
		others := slices.DeleteFunc(slices.Clone(files), func(f string) bool { return f == "doc.go" })
		if !slices.Contains(files, "doc.go") {
			if len(files) > 1 {
				t.Errorf("%s has %d files and no doc.go", dir, len(files))
			}
			continue
		}
		for _, f := range unnamed(read(t, dir+"/doc.go"), others) {
			t.Errorf("%s/doc.go does not name %s", dir, f)
		}
	}
	// The law bites.
	if got := unnamed("Files: pool.go, spawn_*.go (processes)", []string{"pool.go", "spawn_linux.go", "slot.go"}); !slices.Equal(got, []string{"slot.go"}) {
		t.Errorf("unnamed files of a made-up package: %q", got)
	}
}

// unnamed returns the files that the text of a doc.go does not name.
func unnamed(doc string, files []string) []string {
	words := strings.FieldsFunc(doc, func(r rune) bool { return strings.ContainsRune(" \t\n,;:()\"`", r) })
	return slices.DeleteFunc(slices.Clone(files), func(f string) bool {
		return slices.ContainsFunc(words, func(w string) bool {
			ok, err := path.Match(strings.TrimSuffix(w, "."), f)
			return err == nil && ok && strings.HasSuffix(strings.TrimSuffix(w, "."), ".go")
		})
	})
}
