package shim_py

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

// A bare directory name would leave __init__.py and __main__.py out: go:embed skips names that begin with an underscore.
//
//go:embed __main__.py standpipe_shim/*.py standpipe_shim/*/*.py
var sources embed.FS

const launcher = "__main__.py"

// file is one embedded source; name is slash-separated and relative to the folder that python3 runs.
type file struct {
	name string
	data []byte
}

// files returns the embedded sources in the order of their names.
func files() []file {
	var all []file
	err := fs.WalkDir(sources, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(sources, name)
		all = append(all, file{name, data})
		return err
	})
	if err != nil {
		panic("shim_py: the embedded sources cannot be read: " + err.Error()) // the binary itself is broken
	}
	return all
}

// Hash returns the content hash of the shim in hex: 32 digits over the name and the bytes of every file.
func Hash() string { return hash() }

var hash = sync.OnceValue(func() string { return hashOf(files()) }) // each start of a worker asks

func hashOf(all []file) string {
	sum := sha256.New()
	for _, f := range all {
		fmt.Fprintf(sum, "%s\x00%d\x00", f.name, len(f.data))
		sum.Write(f.data)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// Bootstrap returns the program for `python3 -c PROGRAM`: the whole shim in one argument (well below the 128 KiB that Linux
// allows for one), for places where Extract finds no folder. Python compiles it at every start, so it costs each worker some
// 30 ms more than a folder does.
//
// The modules stay importable by name through a finder that this program puts on sys.meta_path.
func Bootstrap() string {
	var packed bytes.Buffer
	w, err := zlib.NewWriterLevel(&packed, zlib.BestCompression)
	if err != nil {
		panic(err) // only for a level that does not exist
	}
	// name NUL length NUL bytes, for each module.
	for _, f := range files() {
		if f.name == launcher || strings.HasPrefix(f.name, "standpipe_shim/dev/") {
			continue // the program below does its work; error pages are without details then
		}
		fmt.Fprintf(w, "%s\x00%d\x00%s", f.name, len(f.data), f.data)
	}
	w.Close()
	return strings.Replace(bootstrap, "@", base64.StdEncoding.EncodeToString(packed.Bytes()), 1)
}

// It parses on Python 2.7, like the launcher. The names that tracebacks show are those of no file: <standpipe_shim>/core/worker.py.
const bootstrap = `import sys
if sys.version_info < (3, 8):
    sys.stderr.write("standpipe: %s is Python %d.%d.%d; standpipe needs Python 3.8 or newer\n" % ((sys.executable,) + tuple(sys.version_info[:3])))
    sys.exit(3)
import binascii, zlib
def start(packed):
    from importlib.machinery import ModuleSpec
    sources = {}
    rest = zlib.decompress(binascii.a2b_base64(packed))
    while rest:
        name, size, rest = rest.split(b"\0", 2)
        sources[name.decode()] = rest[:int(size)]
        rest = rest[int(size):]
    class Finder:
        def find_spec(self, name, path=None, target=None):
            file = self.file(name)
            return ModuleSpec(name, self, origin="<standpipe_shim>", is_package=file.endswith("/__init__.py")) if file else None
        def file(self, name):
            file = name.replace(".", "/")
            return next((found for found in (file + ".py", file + "/__init__.py") if found in sources), "")
        def create_module(self, spec):
            return None
        def exec_module(self, module):
            file = self.file(module.__name__)
            module.__file__ = "<standpipe_shim>" + file[len("standpipe_shim"):]
            exec(compile(sources[file], module.__file__, "exec", dont_inherit=True), module.__dict__)
        def get_source(self, name):
            return sources[self.file(name)].decode()
    if sys.path and sys.path[0] == "":
        del sys.path[0]
    sys.meta_path.insert(0, Finder())
    from standpipe_shim import __main__
    __main__.main()
start("@")
`
