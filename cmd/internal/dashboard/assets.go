package dashboard

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed page
var files embed.FS

// asset is a file of the page. It has no secret: the form of the login needs some of them.
type asset struct {
	name, kind, tag string
	body            []byte
}

var kinds = map[string]string{".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}

func open(name string) *asset {
	body, err := files.ReadFile("page/" + name)
	if err != nil {
		panic(err) // it is in the program
	}
	sum := sha256.Sum256(body)
	return &asset{name, kinds[path.Ext(name)], `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, body}
}

// assets are the files but for the documents.
var assets = sync.OnceValue(func() (list []*asset) {
	entries, err := files.ReadDir("page")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		if path.Ext(e.Name()) != ".html" {
			list = append(list, open(e.Name()))
		}
	}
	return list
})

func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Etag", a.tag)
	if r.Header.Get("If-None-Match") == a.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	write(w, http.StatusOK, a.kind, a.body)
}

// index is the page, the same for every server: the data comes later.
var index = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { document(w, http.StatusOK, "index.html", "") })

// loginPage is the form, with a sentence of login.go.
func loginPage(w http.ResponseWriter, status int, says string) {
	document(w, status, "login.html", says)
}

var documents = sync.OnceValue(func() map[string]string {
	return map[string]string{"index.html": string(open("index.html").body), "login.html": string(open("login.html").body)}
})

func document(w http.ResponseWriter, status int, name, says string) {
	write(w, status, kinds[".html"], []byte(strings.Replace(documents()[name], "<!--says-->", says, 1)))
}

func write(w http.ResponseWriter, status int, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails if the client has disconnected
}
