package static

import (
	"io/fs"
	"maps"
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
	// Cache is the Cache-Control where no rule fits and the name proves nothing; empty:
	// "no-cache".
	Cache string
	// Fields are name, value, ... that every answer for a file has beside its own.
	Fields []string
	// Charset is of text files; empty: utf-8 where the file is.
	Charset string
	// Types are the media types of suffixes (".woff2") and of whole names
	// ("apple-app-site-association"), in lower case, that are not the table's.
	Types map[string]string
	// HTTPS: requests that did not come by https are handed on.
	HTTPS bool
}

// NoCharset is the Charset of a place whose files say for themselves what they are.
const NoCharset = "none"

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

// Like reports whether two places answer in the same way, for whatever folders.
func (p *Place) Like(q *Place) bool {
	o := *q
	o.Dirs = p.Dirs
	return p.equal(&o)
}

func (p *Place) equal(q *Place) bool {
	return p.URL == q.URL && slices.Equal(p.Dirs, q.Dirs) && p.Else == q.Else && slices.Equal(p.Index, q.Index) && p.Site == q.Site &&
		p.FollowLinks == q.FollowLinks && p.Owner == q.Owner && p.Siblings == q.Siblings && p.Compress == q.Compress && slices.Equal(p.Rules, q.Rules) &&
		p.Cache == q.Cache && slices.Equal(p.Fields, q.Fields) && p.Charset == q.Charset && maps.Equal(p.Types, q.Types) && p.HTTPS == q.HTTPS
}
