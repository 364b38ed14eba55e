package static

import (
	"io/fs"
	"slices"
	"strings"
)

// Place is a part of the URLs and the folders that answer for it. It is data: Places
// opens what it names.
type Place struct {
	// URL is the path in front of the files' names, as clients ask for it:
	// "/static". No slash at the end; "" is the whole site.
	URL string
	// Dirs are absolute; the first one that has a name answers.
	Dirs []string
	// Else says what becomes of a name that no folder has.
	Else Else
	// Index are the names that answer for a folder: "index.html". None: a folder is
	// no file.
	Index []string
	// Site: what is served is a whole site, in which Python sources may lie. They are
	// not served.
	Site bool
	// FollowLinks: links may be absolute and may lead out of the folder.
	FollowLinks bool
	// Owner has to own the folders; the zero Owner: anybody may.
	Owner Owner
	// Siblings: NAME.br, NAME.zst and NAME.gz go out for NAME to who takes them.
	Siblings bool
	// Compress: what has no sibling is compressed by the Encoder.
	Compress bool
	// Rules say what Cache-Control is; the first that fits counts.
	Rules []Rule
}

// Owner is a user whose folders may be served: what an app declares that runs as
// somebody else than the server must be the app's own. The server may read more than
// that user.
type Owner struct {
	Set bool
	UID uint32
}

// OwnedBy reports whether a file belongs to a user.
func OwnedBy(st fs.FileInfo, uid uint32) bool { return Owner{true, uid}.has(st) }

func (o Owner) has(st fs.FileInfo) bool { return !o.Set || owner(st) == int64(o.UID) }

// Else is what becomes of a name that is not there.
type Else int

const (
	// ToNext hands the request on; methods other than GET and HEAD too.
	ToNext Else = iota
	// NotFound answers 404, and 405 to other methods.
	NotFound
)

// under returns what of path follows the place's URL; it is empty or begins with a
// slash. Matched at a segment's end: /static takes neither /statics nor /static../x.
func (p *Place) under(path string) (rest string, ok bool) {
	if !strings.HasPrefix(path, p.URL) {
		return "", false
	}
	rest = path[len(p.URL):]
	return rest, rest == "" || rest[0] == '/'
}

func (p *Place) equal(q *Place) bool {
	return p.URL == q.URL && slices.Equal(p.Dirs, q.Dirs) && p.Else == q.Else && slices.Equal(p.Index, q.Index) && p.Site == q.Site &&
		p.FollowLinks == q.FollowLinks && p.Owner == q.Owner && p.Siblings == q.Siblings && p.Compress == q.Compress && slices.Equal(p.Rules, q.Rules)
}
