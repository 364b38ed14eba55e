package devpage

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/standpipe/standpipe/shim/wire"
)

// place is "shop/views.py:23".
func place(file string, line int) string {
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// text is the report for terminals, and what the page copies: what failed, the traceback, the variables of the innermost frame of the app.
func (r *Report) text(req *http.Request, id string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", r.Title, r.Message)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-9s%s\n", name, value)
		}
	}
	line("at", r.Where)
	line("to do", r.Fix)
	line("request", req.Method+" "+req.URL.Path)
	line("app", r.App)
	line("id", id)
	line("remark", r.Remark)
	block := func(title, text string) {
		if text = strings.TrimRight(text, "\n"); text != "" {
			fmt.Fprintf(&b, "\n%s%s\n", title, text)
		}
	}
	block("", r.Traceback)
	block("Stacks:\n", r.Stacks)
	block("Output of the worker:\n", r.Output)
	if f := r.inner(); f != nil && len(f.Locals) > 0 {
		fmt.Fprintf(&b, "\nVariables in %s at %s:\n", f.Function, place(f.File, f.Line))
		for i := 0; i+1 < len(f.Locals); i += 2 {
			fmt.Fprintf(&b, "  %s = %s\n", f.Locals[i], f.Locals[i+1])
		}
	}
	return []byte(b.String())
}

// inner is the app's own innermost frame of the first exception; nil: there is none.
func (r *Report) inner() *wire.CodeFrame {
	if r.Detail == nil || len(r.Detail.Exceptions) == 0 {
		return nil
	}
	frames := r.Detail.Exceptions[0].Frames
	for i := len(frames) - 1; i >= 0; i-- {
		if frames[i].Own {
			return &frames[i]
		}
	}
	return nil
}

// json is the report for programs: the fields of each error of the server, and the exception.
func (r *Report) json(id string) []byte {
	type frame struct {
		File     string `json:"file"`
		Line     int    `json:"line"`
		Function string `json:"function"`
		Code     string `json:"code"`
		Own      bool   `json:"own"`
	}
	out := struct {
		Status    int     `json:"status"`
		Error     string  `json:"error"`
		Message   string  `json:"message"`
		ID        string  `json:"request_id"`
		App       string  `json:"app,omitempty"`
		At        string  `json:"at,omitempty"`
		Fix       string  `json:"fix,omitempty"`
		Remark    string  `json:"remark,omitempty"`
		Frames    []frame `json:"frames,omitempty"` // the newest call last
		Traceback string  `json:"traceback,omitempty"`
		Output    string  `json:"output,omitempty"`
	}{r.Status, r.Title, r.Message, id, r.App, r.Where, r.Fix, r.Remark, nil, r.Traceback, r.Output}
	if r.Detail != nil && len(r.Detail.Exceptions) > 0 {
		for _, f := range r.Detail.Exceptions[0].Frames {
			out.Frames = append(out.Frames, frame{f.File, f.Line, f.Function, strings.TrimSpace(lineOf(&f)), f.Own})
		}
	}
	b, _ := json.Marshal(out) // strings and numbers: no error
	return append(b, '\n')
}

// lineOf is the line that a frame is about; empty: there is no source.
func lineOf(f *wire.CodeFrame) string {
	if i := f.Line - f.First; i >= 0 && i < len(f.Source) {
		return f.Source[i]
	}
	return ""
}
