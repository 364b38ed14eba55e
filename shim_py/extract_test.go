package shim_py

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func TestEverySourceIsEmbedded(t *testing.T) {
	embedded := make(map[string]bool)
	for _, f := range files() {
		embedded[f.name] = true
	}
	onDisk := 0
	err := filepath.WalkDir("standpipe_shim", func(name string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".py") {
			onDisk++
			if !embedded[filepath.ToSlash(name)] {
				t.Errorf("%s is not embedded", name)
			}
		}
		return err
	})
	if err != nil || onDisk == 0 {
		t.Fatalf("no sources on disk: %v", err)
	}
	if len(embedded) != onDisk+1 || !embedded[launcher] {
		t.Errorf("%d files are embedded, %d are on disk beside the launcher", len(embedded), onDisk)
	}
	if !embedded["standpipe_shim/__init__.py"] {
		t.Error("the package has no __init__.py")
	}
}

func TestHashFollowsContent(t *testing.T) {
	one := []file{{"a.py", []byte("x")}}
	for name, other := range map[string][]file{
		"bytes": {{"a.py", []byte("y")}},
		"name":  {{"b.py", []byte("x")}},
		"more":  {{"a.py", []byte("x")}, {"b.py", nil}},
	} {
		if hashOf(one) == hashOf(other) {
			t.Errorf("%s: the same hash", name)
		}
	}
	if h := Hash(); len(h) != 32 || h != Hash() {
		t.Errorf("Hash() = %q", h)
	}
}

func TestExtractModesAndReuse(t *testing.T) {
	parent := filepath.Join(safeDir(t), "run", "standpipe")
	dir, err := Extract([]string{parent})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(filepath.Base(dir), Hash()) {
		t.Errorf("%s does not name the hash", dir)
	}
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		want := fs.FileMode(0o644)
		if entry.IsDir() {
			want = 0o755
		}
		if runtime.GOOS != "windows" && info.Mode().Perm() != want {
			t.Errorf("%s: mode %04o, want %04o", path, info.Mode().Perm(), want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	before, _ := os.Stat(dir)
	again, err := Extract([]string{parent})
	if err != nil || again != dir {
		t.Fatalf("second Extract: %q, %v", again, err)
	}
	if after, _ := os.Stat(dir); !os.SameFile(before, after) {
		t.Error("a good folder was replaced")
	}
	left, _ := os.ReadDir(parent)
	if len(left) != 1 {
		t.Errorf("%d entries left beside the shim", len(left)-1)
	}
}

func TestExtractRepairsWhatWasChanged(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, dir string){
		"bytes": func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "standpipe_shim", "core", "frames.py"), "import evil")
		},
		"extra": func(t *testing.T, dir string) { write(t, filepath.Join(dir, "standpipe_shim", "boot", "re.py"), "") },
		"missing": func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, "standpipe_shim", "core", "frames.py")))
		},
		"mode": func(t *testing.T, dir string) {
			if runtime.GOOS == "windows" {
				t.Skip("SKIP[no-modes]: this system has no mode bits")
			}
			must(t, os.Chmod(filepath.Join(dir, "standpipe_shim", "core"), 0o777))
		},
		"link": func(t *testing.T, dir string) {
			path := filepath.Join(dir, "standpipe_shim", "core", "frames.py")
			must(t, os.Rename(path, filepath.Join(filepath.Dir(dir), "elsewhere.py")))
			must(t, os.Symlink(filepath.Join(filepath.Dir(dir), "elsewhere.py"), path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			parent := safeDir(t)
			dir, err := Extract([]string{parent})
			must(t, err)
			change(t, dir)
			if verify(dir, files()) == nil {
				t.Fatal("the change was not seen")
			}
			again, err := Extract([]string{parent})
			must(t, err)
			if again != dir {
				t.Errorf("extracted to %s, not to %s", again, dir)
			}
			must(t, verify(dir, files()))
		})
	}
}

func TestExtractRefusesAParentThatOthersMayWrite(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("SKIP[no-modes]: this system has no mode bits")
	}
	open, good := safeDir(t), safeDir(t)
	must(t, os.Chmod(open, 0o777))
	if dir, err := Extract([]string{open}); err == nil {
		t.Errorf("extracted to %s", dir)
	} else if !strings.Contains(err.Error(), "others may write") {
		t.Errorf("error says %q", err)
	}
	dir, err := Extract([]string{open, good})
	must(t, err)
	if filepath.Dir(dir) != good {
		t.Errorf("extracted to %s, want it in %s", dir, good)
	}
	must(t, os.Chmod(open, 0o777|fs.ModeSticky))
	if _, err := Extract([]string{open}); err != nil {
		t.Errorf("sticky parent: %v", err)
	}
}

func TestExtractWithoutAnyFolder(t *testing.T) {
	if _, err := Extract(nil); err == nil {
		t.Error("no parents, no error")
	}
	plain := filepath.Join(safeDir(t), "file")
	write(t, plain, "")
	if _, err := Extract([]string{plain, filepath.Join(plain, "below")}); err == nil {
		t.Error("a file as parent, no error")
	}
}

func TestExtractAtTheSameTime(t *testing.T) {
	parent := safeDir(t)
	var all sync.WaitGroup
	dirs := make([]string, 16)
	errs := make([]error, len(dirs))
	for i := range dirs {
		all.Go(func() { dirs[i], errs[i] = Extract([]string{parent}) })
	}
	all.Wait()
	for i := range dirs {
		if errs[i] != nil || dirs[i] != dirs[0] {
			t.Errorf("start %d: %q, %v", i, dirs[i], errs[i])
		}
	}
	must(t, verify(dirs[0], files()))
}

// Without a nonce the shim says what it is, whichever way it was started: so its first lines have run.
func TestPythonRunsWhatWeHandOut(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("SKIP[no-program]: python3")
	}
	dir, err := Extract([]string{safeDir(t)})
	must(t, err)
	program := Bootstrap()
	if len(program) > 112<<10 { // Linux allows 128 KiB
		t.Errorf("Bootstrap is %d bytes, more than 112 KiB", len(program))
	}
	t.Logf("Bootstrap: %d bytes", len(program))
	for name, args := range map[string][]string{
		"folder": {dir}, "file": {filepath.Join(dir, "__main__.py")}, "-c": {"-c", program},
	} {
		cmd := exec.Command(python, args...)
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != 3 || !strings.Contains(string(out), "standpipe serve") {
			t.Errorf("%s: %v: %s", name, cmd.ProcessState, out)
		}
	}
	must(t, verify(dir, files())) // with what Python has compiled into it
}

// The Python tests ask for the program that Go makes.
func TestPrintBootstrap(t *testing.T) {
	if os.Getenv("STANDPIPE_PRINT_BOOTSTRAP") == "" {
		t.Skip("SKIP[helper]: only for shim_py/tests/test_worker.py")
	}
	fmt.Printf("-----BEGIN\n%s\n-----END\n", Bootstrap())
}

// safeDir is t.TempDir with a mode that Extract accepts, whatever the umask.
func safeDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o755))
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o644))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
