package static

import (
	"encoding/json"
	"path"
	"strings"
)

// made is a file name that a build tool lists as its product.
type made struct {
	from   []string // the names of what it was made of; none: the tool does not say
	file   string   // relative to the manifest's folder
	django bool     // of ManifestStaticFilesStorage, which adds ".HASH" to each name for itself
}

// parseManifest returns the names in a manifest.
func parseManifest(name string, text []byte) (list []made) {
	var doc map[string]json.RawMessage
	if json.Unmarshal(text, &doc) != nil {
		return nil
	}
	add := func(value string, from ...string) { list = append(list, made{from: from, file: relative(value)}) }
	for _, table := range []string{"paths", "files"} { // Django; create-react-app
		var pairs map[string]string
		if json.Unmarshal(doc[table], &pairs) != nil || len(pairs) == 0 {
			continue
		}
		for key, value := range pairs {
			add(value, key)
			list[len(list)-1].django = table == "paths"
		}
		return list // its other tables list other things
	}
	for key, raw := range doc {
		var plain string
		var chunk struct { // Vite
			File, Name  string
			CSS, Assets []string
		}
		switch {
		case json.Unmarshal(raw, &plain) == nil: // webpack-manifest-plugin, parcel, gulp
			if path.Ext(key) != "" { // a web app's manifest.json has pairs too: "start_url"
				add(plain, key)
			}
		case name == webpackAssets:
			for _, value := range assetsOf(raw) {
				add(value, key)
			}
		case json.Unmarshal(raw, &chunk) == nil && chunk.File != "":
			from := []string{key}
			if rest, ok := strings.CutPrefix(path.Base(key), "_"); ok && rest == path.Base(chunk.File) {
				from = nil // a chunk's key is the name that it was given
			}
			if chunk.Name != "" {
				from = append(from, chunk.Name+".")
			}
			add(chunk.File, from...)
			for _, value := range append(chunk.CSS, chunk.Assets...) {
				if _, ok := doc["_"+path.Base(value)]; ok && chunk.Name == "" {
					add(value)
				} else {
					add(value, from...)
				}
			}
		}
	}
	return list
}

// assetsOf are the files of one chunk in assets-webpack-plugin's file: by kind, one or
// several.
func assetsOf(raw json.RawMessage) (list []string) {
	var kinds map[string]json.RawMessage
	if json.Unmarshal(raw, &kinds) != nil {
		return nil
	}
	for _, raw := range kinds {
		var one string
		var several []string
		if json.Unmarshal(raw, &one) == nil {
			several = []string{one}
		} else if json.Unmarshal(raw, &several) != nil {
			continue
		}
		list = append(list, several...)
	}
	return list
}

// relative removes the public path that webpack puts in front.
func relative(v string) string {
	v = strings.TrimPrefix(v, "./")
	if i := strings.Index(v, "://"); i >= 0 {
		_, v, _ = strings.Cut(v[i+3:], "/")
	}
	return strings.TrimPrefix(v, "/")
}

const (
	minHash      = 8  // characters of a hash that a tool puts into a name
	minWholeHash = 16 // hex digits of a name that is only a hash
)

// proved returns the files whose names contain a hash, where the manifest shows that the tool
// puts one into every name: a build without hashes also has names in which a word looks like
// one ("page-LoginForm.js", "app-Release2024.css").
func proved(list []made) (files []string) {
	type known struct{ hash, file string }
	groups := map[bool][]known{} // code, and other files: each has its own length of hashes
	hashes := map[string]int{}
	for _, m := range list {
		base := path.Base(m.file)
		if m.file == "" || strings.Contains(m.file, "..") || isDocument(base) {
			continue
		}
		hash, doubt := hashOf(m)
		switch {
		case doubt:
		case hash == "" && m.django: // a storage may leave some names unchanged
		case hash == "":
			return nil
		default:
			groups[isCode(base)] = append(groups[isCode(base)], known{hash, m.file})
			hashes[hash]++
		}
	}
	if len(hashes) == 1 {
		for hash, n := range hashes {
			if isVersion(hash, n) {
				return nil
			}
		}
	}
	for _, group := range groups {
		sure := false
		for _, k := range group {
			sure = sure || strings.ContainsAny(k.hash, digits)
			if len(k.hash) != len(group[0].hash) && !isHex(k.hash) { // hex: assets may have another length
				group = nil
				break
			}
		}
		for _, k := range group {
			if sure && strings.ContainsAny(k.hash, digits+capitals) {
				files = append(files, k.file)
			}
		}
	}
	return files
}

const (
	digits   = "0123456789"
	capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// isDocument: tools put no hashes into the names of pages, source maps and files that are
// copied for machines.
func isDocument(base string) bool {
	switch path.Ext(base) {
	case "", ".html", ".htm", ".map", ".txt", ".json", ".webmanifest", ".xml":
		return true
	}
	return false
}

func isCode(base string) bool {
	switch path.Ext(base) {
	case ".js", ".mjs", ".cjs", ".css":
		return true
	}
	return false
}

func isHex(s string) bool { return s != "" && strings.Trim(s, "0123456789abcdef") == "" }

// looksHashed: it is neither a word nor a date, but it is no proof.
func looksHashed(s string) bool {
	return len(s) >= minHash && isHex(s) && strings.ContainsAny(s, digits) && strings.ContainsAny(s, "abcdef")
}

// isVersion: a part that all n names of a build share is a date, a release or a mode, unless
// it is a hash of the whole build.
func isVersion(s string, n int) bool {
	return strings.Trim(s, digits) == "" || n > 1 && !looksHashed(s)
}

// hashOf is the part of a name that the tool has added; empty: there is none. doubt: the
// name may have one, but its original name is unknown.
func hashOf(m made) (hash string, doubt bool) {
	base := path.Base(m.file)
	stem := stemOf(base)
	for _, word := range []string{".chunk", ".bundle", ".min", ".module"} {
		stem = strings.TrimSuffix(stem, word)
	}
	if m.django {
		for _, from := range m.from {
			hash, ok := strings.CutPrefix(stemOf(base), stemOf(path.Base(from))+".")
			if ok && len(hash) >= minHash && isHex(hash) && (len(hash) >= minProof || looksHashed(hash)) {
				return hash, false
			}
		}
		return "", false
	}
	if isHex(stem) && len(stem) >= minWholeHash {
		hash = stem
	}
	for _, from := range m.from {
		was := stemOf(strings.TrimPrefix(path.Base(from), "_"))
		switch {
		case path.Base(from) == base: // copied unchanged, or the tool's own name for a chunk
			last := stem[strings.LastIndexAny(stem, ".-_")+1:]
			return "", !isCode(base) || looksHashed(last)
		case stem == was:
			return "", false
		case hash != "":
		default:
			hash = added(stem, was)
		}
	}
	if hash == "" {
		var long bool
		if hash, long = lastPart(stem); long && len(m.from) == 0 {
			return "", true
		}
	}
	for _, from := range m.from {
		if strings.Contains(strings.ToLower(stemOf(path.Base(from))), strings.ToLower(hash)) {
			return "", false
		}
	}
	return hash, false
}

// stemOf is a name without its suffix.
func stemOf(base string) string { return strings.TrimSuffix(base, path.Ext(base)) }

// added is the part of stem that is not in was: "index" became "index-DZ4kF2Xq", or "main"
// became "7d4ef0cc.main"; empty: it is no hash.
func added(stem, was string) string {
	if was == "" {
		return ""
	}
	if rest, ok := strings.CutPrefix(stem, was); ok && strings.IndexAny(rest, ".-_~") == 0 && len(rest) > minHash {
		return rest[1:]
	}
	if rest, ok := strings.CutSuffix(stem, was); ok && len(rest) > minHash && strings.ContainsAny(rest[len(rest)-1:], ".-_~") {
		return rest[:len(rest)-1]
	}
	return ""
}

// lastPart is the last part of a name whose original name is unknown: it counts only with a
// digit in it. long: there is a part that is long enough, with or without a digit.
func lastPart(stem string) (part string, long bool) {
	for i := len(stem) - 1; i >= 0; i-- {
		if strings.IndexByte(".-_~", stem[i]) < 0 {
			continue
		}
		if part := stem[i+1:]; len(part) >= minHash {
			if strings.ContainsAny(part, digits) {
				return part, true
			}
			return "", true
		}
	}
	return "", false
}
