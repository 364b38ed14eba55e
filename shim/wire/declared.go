package wire

// Declared is a folder of files that the app would serve, or have served, itself.
type Declared struct {
	// URL is what clients' paths begin with, SCRIPT_NAME included: "/static/".
	URL string
	// Dir is absolute. Of several for one URL the first that has a name counts.
	Dir string
	// Kind is the part of the app that declares it: "Flask", "Flask blueprint admin", "Django".
	Kind string
	// Refused is why it must not be served without asking the app; empty: it may.
	Refused string
	// Trouble is why nothing of it can be served; empty: it can be served.
	Trouble string
	// Traceback is of the exception that Trouble tells of; may be empty.
	Traceback string
	// Fields are name, value, ... that the app gives each of its files.
	Fields []string
	// Cache is the Cache-Control that the app gives files whose names prove nothing.
	Cache string
	// Charset is of all text files; empty: the app does not say.
	Charset string
	// Types are ".suffix" or a file's name, media type, ... that the app has of its own.
	Types []string
	// HTTPS: a request that did not come by https is the app's to answer.
	HTTPS bool
}

// declared walks an array of maps.
func (w *walker) declared() (list []Declared, err error) {
	n, err := w.count(MaxDeclared, "folders of files")
	for ; n > 0 && err == nil; n-- {
		var d Declared
		var keys int
		for keys, err = w.mapLen(); keys > 0 && err == nil; keys-- {
			var key string
			if key, err = w.key(); err != nil {
				return nil, err
			}
			switch key {
			case "url":
				d.URL, err = w.str()
			case "dir":
				d.Dir, err = w.str()
			case "kind":
				d.Kind, err = w.str()
			case "refused":
				d.Refused, err = w.str()
			case "trouble":
				d.Trouble, err = w.str()
			case "traceback":
				d.Traceback, err = w.str()
			case "fields":
				d.Fields, err = w.couples()
			case "cache":
				d.Cache, err = w.str()
			case "charset":
				d.Charset, err = w.str()
			case "types":
				d.Types, err = w.couples()
			case "https":
				d.HTTPS, err = w.boolean()
			default:
				err = w.skip(maxDepth - 3)
			}
		}
		list = append(list, d)
	}
	return list, err
}

// couplesMost bounds an array of names and values.
const couplesMost = 1024

// couples walks an array of str of even length: name, value, ...
func (w *walker) couples() (list []string, err error) {
	list, err = w.texts(couplesMost)
	if err == nil && len(list)%2 != 0 {
		err = w.bad("an array of names and values")
	}
	return list, err
}
