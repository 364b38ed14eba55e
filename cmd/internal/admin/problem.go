package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// refusal is an error with its status and its word for programs.
type refusal struct {
	status int
	word   string
	err    error
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

func refuse(status int, word string, err error) error { return &refusal{status, word, err} }

// fail responds with a Problem.
func fail(w http.ResponseWriter, err error) {
	status, p := http.StatusInternalServerError, Problem{Err: "failed", Detail: err.Error()}
	if r, ok := errors.AsType[*refusal](err); ok {
		status, p.Err = r.status, r.word
	}
	list, rest := failuresOf(err)
	if len(list) > 0 {
		status, p.Err, p.Failures = http.StatusConflict, "did_not_start", list
		var text []string
		for _, f := range list {
			text = append(text, f.Sentence)
		}
		for _, e := range rest {
			text = append(text, e.Error())
		}
		p.Detail = strings.Join(text, "\n")
	}
	answer(w, status, &p)
}

func answer(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // fails if the client has disconnected
}
