package spool

import (
	"bufio"
	"errors"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// What is declared reserves nothing; what came counts, and no client has more than its share.
func TestBudgets(t *testing.T) {
	s := &Spool{Dir: t.TempDir(), Memory: 10, Files: Budget{Name: "spool_total", Total: 100, Share: 60}}
	a, b := s.Take(ClientKey("192.0.2.1")), s.Take(ClientKey("192.0.2.2"))
	if err := errors.Join(a.Fits(10), a.Fits(-1), a.Fits(60), a.Fits(60), b.Fits(60)); err != nil || s.Used() != 0 {
		t.Errorf("declared: %v, used %d", err, s.Used())
	}
	if err := a.Fits(61); !errors.Is(err, ErrFull) {
		t.Errorf("declared, beyond the share: %v", err)
	}
	if err := a.Fill(strings.NewReader(strings.Repeat("x", 60))); err != nil || s.Used() != 60 {
		t.Errorf("%v, used %d", err, s.Used())
	}
	more := s.Take(ClientKey("192.0.2.1"))
	if err := more.Fill(strings.NewReader(strings.Repeat("x", 11))); !errors.Is(err, ErrFull) || s.Used() != 60 {
		t.Errorf("beyond the share: %v, used %d", err, s.Used())
	}
	more.Close()
	unknown := s.Take(netip.Prefix{})
	if err := unknown.Fill(strings.NewReader(strings.Repeat("x", 11))); err != nil || s.Used() != 71 {
		t.Errorf("a client without a name has no share: %v, used %d", err, s.Used())
	}
	unknown.Close()
	if err := b.Fits(41); !errors.Is(err, ErrFull) {
		t.Errorf("declared, beyond the total: %v", err)
	}
	if err := b.Fill(strings.NewReader(strings.Repeat("x", 41))); !errors.Is(err, ErrFull) {
		t.Errorf("beyond the total: %v", err)
	}
	a.Close()
	b.Close()
	s.Files.Share = 25 // beyond it, as much as is left free
	a, b = s.Take(ClientKey("192.0.2.1")), s.Take(ClientKey("192.0.2.2"))
	if err := a.Fits(51); !errors.Is(err, ErrFull) {
		t.Errorf("more than half: %v", err)
	}
	if err := a.Fill(strings.NewReader(strings.Repeat("x", 50))); err != nil {
		t.Errorf("half: %v", err)
	}
	if err := b.Fits(26); !errors.Is(err, ErrFull) || b.Fits(25) != nil {
		t.Errorf("the next has its share, and no more: %v, %v", err, b.Fits(25))
	}
	a.Close()
	b.Close()
	if s.Used() != 0 || len(s.Files.by) != 0 {
		t.Errorf("used %d after Close, by %v", s.Used(), s.Files.by)
	}
}

// Short of memory, a body goes to its file at once.
func TestBlocksAreBounded(t *testing.T) {
	s := &Spool{Dir: t.TempDir(), Blocks: 100_000}
	var all []*Buffer
	for i := range 4 {
		b := s.Take(netip.Prefix{})
		all = append(all, b)
		if err := b.Fill(strings.NewReader(strings.Repeat("x", 50_000))); err != nil || b.Size() != 50_000 {
			t.Fatalf("%d: %v", i, err)
		}
		if _, inMemory := b.Memory(); inMemory != (i == 0) {
			t.Errorf("body %d: in memory %v", i, inMemory)
		}
		if got := make([]byte, 3); b.Size() == 50_000 {
			if n, err := b.ReadAt(got, 49_997); n != 3 || err != nil && err != io.EOF {
				t.Errorf("%d, %v", n, err)
			}
		}
	}
	if s.InMemory() > s.Blocks {
		t.Errorf("%d bytes in memory", s.InMemory())
	}
	for _, b := range all {
		b.Close()
	}
	if s.InMemory() != 0 || s.Used() != 0 {
		t.Errorf("%d, %d after Close", s.InMemory(), s.Used())
	}
}

func TestClientKeys(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.7": "192.0.2.7/32", "::ffff:192.0.2.7": "192.0.2.7/32", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "2001:db8:1:2::9": "2001:db8:1:2::/64", "": "invalid Prefix", "unix": "invalid Prefix",
	} {
		if got := ClientKey(addr).String(); got != want {
			t.Errorf("%q: %q, want %q", addr, got, want)
		}
	}
}

func TestWithoutAFolderThereAreNoNames(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	b := (&Spool{Memory: 10}).Take(netip.Prefix{})
	defer b.Close()
	if err := b.Fill(strings.NewReader(strings.Repeat("x", 50))); err != nil || b.Path() != "" {
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
	b := s.Take(netip.Prefix{})
	b.file, b.ram = full, -1
	if err := b.Fill(strings.NewReader(strings.Repeat("x", 50))); !errors.Is(err, ErrDiskFull) || errors.Is(err, ErrFull) {
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
		t.Errorf("%d bytes free, memory %v", free, memory)
	}
	if _, err := os.Stat("/dev/shm"); err == nil && runtime.GOOS == "linux" {
		if _, memory := Space("/dev/shm"); !memory {
			t.Error("/dev/shm is not taken for memory")
		}
	}
}
