package static

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/standpipe/standpipe/bridge/cpu"
)

// Reproducible images and archives set the time of files to 1970, to 1980-01-01 (zip), or to
// a fixed day that may be in the future: such a time says nothing about the content.
var firstPlausible = time.Date(1980, time.January, 2, 0, 0, 0, 0, time.UTC)

// clockSkew is how far in the future a time may be that another machine's clock set.
const clockSkew = 2 * time.Second

func plausible(t, now time.Time) bool {
	return !t.Before(firstPlausible) && !t.After(now.Add(clockSkew))
}

// hashTag is the ETag of a content that was read whole: two machines agree on it.
func hashTag(sum []byte) string {
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`
}

// statTag is the ETag of a file that is too large to be hashed. The inode is not
// part of it: two machines with the same file must agree. Within a second of its last
// change a file may change again without a trace, so the tag is weak (RFC 9110 8.8.1).
func statTag(st fs.FileInfo, now time.Time) string {
	tag := `"` + strconv.FormatInt(st.ModTime().UnixNano(), 36) + "-" + strconv.FormatInt(st.Size(), 36) + `"`
	if now.Sub(st.ModTime()) < time.Second {
		return "W/" + tag
	}
	return tag
}

// sumOf reads a whole file.
func sumOf(f *os.File, size int64) ([]byte, error) {
	h := sha256.New()
	if _, err := io.Copy(hashing{h}, io.NewSectionReader(f, 0, size)); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

// hashing has a slot while a part of a file is hashed, but not while it is read. io.Copy reads
// parts of 32 KiB. The contents that are kept in memory (maxSmall) are hashed without one:
// it takes less time than to answer.
type hashing struct{ hash io.Writer }

func (h hashing) Write(p []byte) (int, error) {
	defer cpu.Slot()()
	return h.hash.Write(p)
}
