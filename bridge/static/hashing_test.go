package static

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/standpipe/standpipe/bridge/cpu"
)

// Large files are hashed with a slot.
func TestHashesTakeSlots(t *testing.T) {
	text := make([]byte, 200<<10)
	name := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	synctest.Test(t, func(t *testing.T) {
		var taken []func()
		for range max(runtime.GOMAXPROCS(0)-1, 1) {
			taken = append(taken, cpu.Slot())
		}
		var sum []byte
		go func() {
			var err error
			if sum, err = sumOf(f, int64(len(text))); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		if sum != nil {
			t.Error("it ended while all slots were taken")
		}
		for _, done := range taken {
			done()
		}
		synctest.Wait()
		if want := sha256.Sum256(text); string(sum) != string(want[:]) {
			t.Errorf("the hash is %x, want %x", sum, want)
		}
	})
}
