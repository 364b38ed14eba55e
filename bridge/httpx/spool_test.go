package httpx

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestReservations(t *testing.T) {
	s := &Spool{Dir: t.TempDir(), Memory: 10, Total: 100}
	a, b := s.Take(), s.Take()
	if err := errors.Join(a.Reserve(10), a.Reserve(-1)); err != nil || s.Used() != 0 {
		t.Errorf("what fits into memory, and an unknown length: %v, used %d", err, s.Used())
	}
	if err := a.Reserve(60); err != nil || s.Used() != 60 {
		t.Errorf("%v, used %d", err, s.Used())
	}
	if err := b.Reserve(41); !errors.Is(err, ErrSpoolFull) || s.Used() != 60 {
		t.Errorf("beyond the total: %v, used %d", err, s.Used())
	}
	if err := a.Fill(strings.NewReader(strings.Repeat("x", 60)), 60, nil); err != nil || s.Used() != 60 {
		t.Errorf("a promised body counts once: %v, used %d", err, s.Used())
	}
	if err := b.Fill(strings.NewReader(strings.Repeat("x", 41)), 0, nil); !errors.Is(err, ErrSpoolFull) {
		t.Errorf("without a promise: %v", err)
	}
	b.Close()
	c := s.Take()
	if err := c.Reserve(40); err != nil { // promised, and never sent
		t.Error(err)
	}
	a.Close()
	c.Close()
	if s.Used() != 0 {
		t.Errorf("used %d after Close", s.Used())
	}
}

func TestWithoutAFolderThereAreNoNames(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	b := (&Spool{Memory: 10}).Take()
	defer b.Close()
	if err := b.Fill(strings.NewReader(strings.Repeat("x", 50)), 0, nil); err != nil || b.Path() != "" {
		t.Errorf("%v, %q", err, b.Path())
	}
	if left, _ := os.ReadDir(os.TempDir()); len(left) != 0 && canShare {
		t.Errorf("%v", left)
	}
}

func TestDiskFull(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skip("SKIP[os]: no /dev/full: ", err)
	}
	s := &Spool{Memory: 10}
	b := s.Take()
	b.file, b.ram = full, -1
	if err := b.Fill(strings.NewReader(strings.Repeat("x", 50)), 0, nil); !errors.Is(err, ErrDiskFull) || errors.Is(err, ErrSpoolFull) {
		t.Errorf("%v", err)
	}
	b.Close()
	if s.Used() != 0 {
		t.Errorf("used %d", s.Used())
	}
}

// TestMain is also another process that has a folder, until its stdin ends.
func TestMain(m *testing.M) {
	if parent := os.Getenv("HOLD_FOLDER_IN"); parent != "" {
		f, _, err := OpenFolder(parent)
		if err != nil {
			panic(err)
		}
		if err := os.WriteFile(filepath.Join(f.Path, bodyPrefix+"1"), nil, 0o600); err != nil {
			panic(err)
		}
		_, _ = os.Stdout.WriteString(f.Path + "\n")
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0) // as by a kill: nothing is removed
	}
	os.Exit(m.Run())
}

func TestFoldersOfDeadProcessesAreSwept(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("SKIP[os]: no locks on folders")
	}
	parent := filepath.Join(t.TempDir(), "a[b]*")
	foreign := filepath.Join(parent, folderPrefix+"foreign")
	if err := os.MkdirAll(foreign, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(foreign, "notes"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), filepath.Join(parent, folderPrefix+"link")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "HOLD_FOLDER_IN="+parent)
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	theirs := strings.TrimSpace(line)
	if err != nil || theirs == "" {
		t.Fatal(line, err)
	}
	first, swept, err := OpenFolder(parent)
	if err != nil || swept != 0 {
		t.Fatalf("%d swept, %v", swept, err)
	}
	if st, err := os.Stat(first.Path); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", st, err)
	}
	if _, err := os.Stat(theirs); err != nil {
		t.Errorf("the folder of a live process: %v", err)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	second, swept, err := OpenFolder(parent)
	if err != nil || swept != 1 {
		t.Errorf("%d swept, %v", swept, err)
	}
	if _, err := os.Stat(theirs); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of a dead process: %v", err)
	}
	first.Close()
	second.Close()
	left, _ := os.ReadDir(parent)
	if len(left) != 2 { // the foreign folder and the link
		t.Errorf("left: %v", left)
	}
	if _, err := os.Stat(filepath.Join(foreign, "notes")); err != nil {
		t.Error(err)
	}
}

func TestSpace(t *testing.T) {
	free, memory := Space(t.TempDir())
	if runtime.GOOS == "linux" && free <= 0 {
		t.Errorf("%d octets free, memory %v", free, memory)
	}
	if _, err := os.Stat("/dev/shm"); err == nil && runtime.GOOS == "linux" {
		if _, memory := Space("/dev/shm"); !memory {
			t.Error("/dev/shm is not taken for memory")
		}
	}
}
