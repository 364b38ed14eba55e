package static

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// Mount is a prefix of URLs and the folders whose files it serves. It is data; Mounts opens
// the folders.
type Mount struct {
	// URL is the path in front of the files' names, as clients send it: "/static". No
	// slash at the end; "" is the whole site.
	URL string
	// Dirs are absolute; the first one that has the file answers.
	Dirs []string
	// Else says what happens when no folder has the file.
	Else Else
	// Fallback is the name of a file in the folder that answers, with 200, for pages that the folder does not
	// have: "index.html" of an app that makes its pages in the browser. Only with NotFound; empty: there is none.
	Fallback string
	// Index are the files that answer for a folder: "index.html". None: a folder is not
	// served.
	Index []string
	// Listing: the names in a folder without an index are shown.
	Listing bool
	// Site: the folder is a whole site, which may contain Python sources. They are not
	// served.
	Site bool
	// Scripts are endings of scripts (".php") that another handler runs. A file whose
	// name has such an ending is not served, whatever follows it: "wp-config.php.bak".
	Scripts []string
	// FollowLinks: links may be absolute and may lead out of the folder.
	FollowLinks bool
	// Owner must own the folders; the zero Owner: any user may.
	Owner Owner
	// Siblings: clients that accept the coding get NAME.br, NAME.zst or NAME.gz for NAME.
	Siblings bool
	// Compress: the Encoder compresses files that have no sibling.
	Compress bool
	// Rules are values of Cache-Control; the first one that matches counts.
	Rules []Rule
	// Cache is the Cache-Control where no rule matches and the file is not immutable;
	// empty: "no-cache".
	Cache string
	// Fields are name, value, ... that are added to every answer for a file.
	Fields []string
	// Charset is the charset of text files; empty: utf-8 where the file is UTF-8.
	Charset string
	// Types are media types by suffix (".woff2") or whole name
	// ("apple-app-site-association"), in lower case; they come before the table's.
	Types map[string]string
	// HTTPS: requests that did not come by https go to Next.
	HTTPS bool
}

// NoCharset is the Charset of a mount whose answers name no charset.
const NoCharset = "none"

// Owner is a user whose folders may be served: an app that runs as another user than the
// server may declare its own folders only, because the server may read more than that user.
type Owner struct {
	Set bool
	UID uint32
}

// OwnedBy reports whether a file belongs to a user.
func OwnedBy(st fs.FileInfo, uid uint32) bool { return Owner{true, uid}.has(st) }

func (o Owner) has(st fs.FileInfo) bool { return !o.Set || owner(st) == int64(o.UID) }

// Else is what happens to a request for a file that does not exist.
type Else int

const (
	// ToNext passes the request to Options.Next; methods other than GET and HEAD too.
	ToNext Else = iota
	// NotFound answers 404, and 405 to other methods.
	NotFound
)

// under returns the part of path behind the mount's URL; it is empty or begins with a slash.
// The URL must end at a segment's end: /static matches neither /statics nor /static../x.
func (p *Mount) under(path string) (rest string, ok bool) {
	if !strings.HasPrefix(path, p.URL) {
		return "", false
	}
	rest = path[len(p.URL):]
	return rest, rest == "" || rest[0] == '/'
}

// Like reports whether two mounts are equal but for their folders.
func (p *Mount) Like(q *Mount) bool {
	o := *q
	o.Dirs = p.Dirs
	return p.equal(&o)
}

func (p *Mount) equal(q *Mount) bool {
	return p.URL == q.URL && slices.Equal(p.Dirs, q.Dirs) && p.Else == q.Else && p.Fallback == q.Fallback && p.Listing == q.Listing && slices.Equal(p.Index, q.Index) && p.Site == q.Site &&
		p.FollowLinks == q.FollowLinks && p.Owner == q.Owner && p.Siblings == q.Siblings && p.Compress == q.Compress && slices.Equal(p.Rules, q.Rules) &&
		p.Cache == q.Cache && slices.Equal(p.Fields, q.Fields) && p.Charset == q.Charset && maps.Equal(p.Types, q.Types) && p.HTTPS == q.HTTPS && slices.Equal(p.Scripts, q.Scripts)
}
