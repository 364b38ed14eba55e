package discover

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// The layouts are those that pip, uv 0.13, pipx 1.18 and conda make.
func TestFindBesideTheProgram(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the layouts are those of other systems")
	}
	const ours = "lib/python3.12/site-packages/standpipe-1.0.dist-info/METADATA"
	const flask = "lib/python3.12/site-packages/flask-3.0.dist-info/METADATA"
	for name, c := range map[string]struct {
		files   []string // beside bin/standpipe
		project []string
		env     string // VIRTUAL_ENV, below the program's prefix; empty: not set
		nowhere bool   // there is no python3 in PATH
		want    string // relative to P(refix), D(ir) or the other folder of PATH
		how     string
	}{
		"venv":                 {[]string{"pyvenv.cfg", "bin/python", ours, flask}, nil, "", false, "P/bin/python", "beside standpipe"},
		"venv, standpipe only": {[]string{"pyvenv.cfg", "bin/python", ours}, nil, "", false, "P/bin/python", "beside standpipe"},
		"a copied binary":      {[]string{"pyvenv.cfg", "bin/python3"}, nil, "", false, "P/bin/python3", "beside standpipe"},
		"the project's":        {[]string{"pyvenv.cfg", "bin/python", ours, flask}, []string{".venv/pyvenv.cfg", ".venv/bin/python"}, "", false, "D/.venv/bin/python", "found .venv"},
		"VIRTUAL_ENV":          {[]string{"pyvenv.cfg", "bin/python", ours, "other/bin/python"}, nil, "other", false, "P/other/bin/python", "$VIRTUAL_ENV"},
		"conda":                {[]string{"conda-meta/history", "bin/python", flask}, nil, "", false, "P/bin/python", "beside standpipe"},
		"a whole Python":       {[]string{"bin/python", "bin/python3.12", ours}, nil, "", false, "P/bin/python3.12", "beside standpipe"},
		"pypy":                 {[]string{"bin/pypy3.9", "bin/python", "lib/pypy3.9/site-packages/standpipe-1.0.dist-info/METADATA"}, nil, "", false, "P/bin/pypy3.9", "beside standpipe"},
		"not by a wheel":       {[]string{"bin/python3", flask}, nil, "", false, "O/python3", "python3 in PATH"},
		"--target":             {[]string{"standpipe-1.0.dist-info/METADATA"}, nil, "", false, "O/python3", "python3 in PATH"},
		"--user":               {[]string{ours, flask}, nil, "", false, "O/python3", "python3 in PATH"},
		"pipx":                 {[]string{"pyvenv.cfg", "pipx_metadata.json", "bin/python", "bin/python3", ours}, nil, "", false, "O/python3", "python3 in PATH"},
		"pipx inject":          {[]string{"pyvenv.cfg", "pipx_metadata.json", "bin/python", ours, flask}, nil, "", false, "P/bin/python", "beside standpipe"},
		"uv tool":              {[]string{"pyvenv.cfg", "uv-receipt.toml", "bin/python", ours}, nil, "", false, "O/python3", "python3 in PATH"},
		"uv tool, no PATH":     {[]string{"pyvenv.cfg", "uv-receipt.toml", "bin/python", ours}, nil, "", true, "P/bin/python", "beside standpipe"},
		"uv tool --with":       {[]string{"pyvenv.cfg", "uv-receipt.toml", "bin/python", ours, flask}, nil, "", false, "P/bin/python", "beside standpipe"},
		"a broken venv":        {[]string{"pyvenv.cfg", ours}, nil, "", false, "O/python3", "python3 in PATH"},
	} {
		t.Run(name, func(t *testing.T) {
			prefix, dir, other := tree(t, append(c.files, "bin/standpipe")...), tree(t, c.project...), tree(t, "bin/python3")
			env := map[string]string{"PATH": strings.Join([]string{filepath.Join(prefix, "bin"), filepath.Join(other, "bin")}, string(filepath.ListSeparator))}
			if c.nowhere {
				env["PATH"] = filepath.Join(prefix, "bin")
			} else if c.how == "python3 in PATH" && name != "pipx" && name != "uv tool" {
				env["PATH"] = filepath.Join(other, "bin")
			}
			if c.env != "" {
				env["VIRTUAL_ENV"] = filepath.Join(prefix, c.env)
			}
			in, err := Find(Search{Dir: dir, Program: filepath.Join(prefix, "bin", "standpipe"), Getenv: func(n string) string { return env[n] }})
			want := strings.NewReplacer("P/", prefix+"/", "D/", dir+"/", "O/", other+"/bin/").Replace(c.want)
			if err != nil || in.Path != want || in.How != c.how {
				t.Errorf("%v, %v; want %s, %s", in, err, want, c.how)
			}
		})
	}
}

// uvx runs programs from a folder of its cache, and puts that in front of PATH.
func TestFindBesideUvx(t *testing.T) {
	cache := tree(t, "archive-v0/x1/pyvenv.cfg", "archive-v0/x1/bin/python3", "archive-v0/x1/bin/standpipe", "archive-v0/x1/lib/python3.12/site-packages/standpipe-1.0.dist-info/METADATA",
		"archive-v0/x2/pyvenv.cfg", "archive-v0/x2/bin/python3", "archive-v0/x2/bin/standpipe", "archive-v0/x2/lib/python3.12/site-packages/flask-1.0.dist-info/METADATA")
	other := tree(t, "bin/python3")
	for env, want := range map[string]string{"x1": filepath.Join(other, "bin/python3"), "x2": filepath.Join(cache, "archive-v0/x2/bin/python3")} {
		bin := filepath.Join(cache, "archive-v0", env, "bin")
		path := bin + string(filepath.ListSeparator) + filepath.Join(other, "bin")
		in, err := Find(Search{Dir: t.TempDir(), Program: filepath.Join(bin, "standpipe"), Getenv: func(n string) string { return map[string]string{"PATH": path}[n] }})
		if err != nil || in.Path != want {
			t.Errorf("%s: %v, %v; want %s", env, in, err, want)
		}
	}
}
