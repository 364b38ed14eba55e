package laws

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write THIRD_PARTY_LICENSES instead of comparing it")

const licencesFile = "THIRD_PARTY_LICENSES"

// licences are those under which a module may be linked into the program, with a sentence of each.
var licences = []struct{ name, sentence string }{
	{"Apache-2.0", "Apache License Version 2.0"},
	{"MPL-2.0", "Mozilla Public License"},
	{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted"},
	{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
	{"CC0-1.0", "CC0 1.0 Universal"},
	{"BSD", "Redistribution and use in source and binary forms, with or without modification, are permitted"},
}

// licenceOf is the name of a text's licence; empty: it is none of them.
func licenceOf(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	for _, l := range licences {
		if strings.Contains(text, l.sentence) {
			return l.name
		}
	}
	return ""
}

// THIRD_PARTY_LICENSES has the licence of each module that the program contains, on any of the platforms, and each is one of those above.
// `make licences` writes it.
func TestLicences(t *testing.T) {
	owners := map[string][]string{} // by text
	for name, dirs := range linked(t) {
		found := false
		for _, dir := range dirs {
			for _, path := range licencesIn(t, dir) {
				b, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				text := strings.TrimSpace(strings.ReplaceAll(string(b), "\r\n", "\n"))
				kind := licenceOf(text)
				isNotice := strings.HasPrefix(filepath.Base(path), "NOTICE")
				if kind == "" && !isNotice {
					t.Errorf("%s: the licence in %s is none of those that are known", name, path)
				}
				found = found || !isNotice
				if owner := name + " (" + kind + ")"; isNotice {
					owners[text] = append(owners[text], name+" (notice)")
				} else if !slices.Contains(owners[text], owner) {
					owners[text] = append(owners[text], owner)
				}
			}
		}
		if !found {
			t.Errorf("%s: no licence in %v", name, dirs)
		}
	}
	texts := make([]string, 0, len(owners))
	for text := range owners {
		slices.Sort(owners[text])
		texts = append(texts, text)
	}
	slices.SortFunc(texts, func(a, b string) int {
		return strings.Compare(strings.Join(owners[a], "\n")+a, strings.Join(owners[b], "\n")+b)
	})
	var out bytes.Buffer
	fmt.Fprint(&out, "The standpipe program contains the Go standard library and the modules below. The source of MODULE VERSION is at https://pkg.go.dev/MODULE@VERSION.\n")
	for _, text := range texts {
		fmt.Fprintf(&out, "\n%s\n\n%s\n\n%s\n", strings.Repeat("-", 80), strings.Join(owners[text], "\n"), text)
	}
	path := filepath.Join(root, licencesFile)
	if *update {
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, out.Bytes()) {
		t.Errorf("%s is not that of the modules of now (%v); run make licences", licencesFile, err)
	}
}

// linked are the folders of the modules that the program contains: that of each package, and those above it within the module.
func linked(t *testing.T) map[string][]string {
	t.Helper()
	dirs := map[string][]string{}
	for _, platform := range []string{"linux", "darwin", "windows"} {
		cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}\t{{$.Dir}}{{end}}{{end}}", "./cmd/standpipe")
		cmd.Dir, cmd.Env = root, append(os.Environ(), "GOOS="+platform, "GOARCH=amd64", "CGO_ENABLED=0")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		for line := range strings.Lines(string(out)) {
			parts := strings.Split(strings.TrimSpace(line), "\t")
			if len(parts) != 3 {
				continue
			}
			name, module := parts[0], parts[1]
			for dir := parts[2]; strings.HasPrefix(dir, module); dir = filepath.Dir(dir) {
				if !slices.Contains(dirs[name], dir) {
					dirs[name] = append(dirs[name], dir)
				}
			}
		}
	}
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	dirs["Go standard library"] = []string{strings.TrimSpace(string(out))}
	return dirs
}

// licencesIn are the files of licences and notices in a folder.
func licencesIn(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		for _, begin := range []string{"LICENSE", "LICENCE", "COPYING", "NOTICE"} {
			if e.Type().IsRegular() && strings.HasPrefix(strings.ToUpper(e.Name()), begin) && filepath.Ext(e.Name()) != ".go" {
				list = append(list, filepath.Join(dir, e.Name()))
			}
		}
	}
	return list
}
