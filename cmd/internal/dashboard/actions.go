package dashboard

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/admin"
)

// maxOrder bounds a command in bytes.
const maxOrder = 4 << 10

// order is what a command may say here; the control socket takes more.
type order struct {
	App     string `json:"app"`
	Worker  string `json:"worker"`
	Workers int    `json:"workers"`
}

// command sends a command of that name, and answers when it is done. It continues when the browser disconnects, as a reload does.
func (h *Handler) command(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") { // a form of another page cannot say so
			refuse(w, http.StatusUnsupportedMediaType, "bad_request", "a command is JSON")
			return
		}
		o, err := readOrder(http.MaxBytesReader(w, r.Body, maxOrder))
		if err != nil {
			refuse(w, http.StatusBadRequest, "bad_request", "the command is not valid: "+err.Error())
			return
		}
		body, err := json.Marshal(admin.Order{App: o.App, Worker: o.Worker, Workers: o.Workers})
		if err != nil {
			refuse(w, http.StatusBadRequest, "bad_request", err.Error())
			return
		}
		pass(w, ask(admin.By(r.Context(), "dashboard "+clientOf(r)), h.o.Source, http.MethodPost, "/v1/"+name, "", body))
	}
}

func readOrder(body io.Reader) (o order, err error) {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	return o, d.Decode(&o)
}

// dump is the stacks of a worker.
func (h *Handler) dump(w http.ResponseWriter, r *http.Request) {
	q := url.Values{"worker": {r.URL.Query().Get("worker")}}
	pass(w, ask(r.Context(), h.o.Source, http.MethodGet, "/v1/dump", q.Encode(), nil))
}
