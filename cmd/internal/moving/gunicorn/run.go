package gunicorn

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/compat"
)

//go:embed settings.py
var program string

// patience is how long a configuration may run.
const patience = 30 * time.Second

// setting is a name of the file that gunicorn knows.
type setting struct {
	Name  string `json:"name"`
	Line  int    `json:"line"` // 0: another file set it
	Value any    `json:"value"`
}

// run runs the file with the interpreter, in dir.
func run(ctx context.Context, python, file, shown, dir string, environ []string) ([]setting, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, "-c", program, file, strings.Join(compat.GunicornNames(), ","))
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, environ, time.Second
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%s: it did not end within %v", shown, patience)
	}
	var result struct {
		Settings []setting `json:"settings"`
		Error    *struct {
			File string `json:"file"`
			Line int    `json:"line"`
			Text string `json:"text"`
		} `json:"error"`
	}
	if jerr := json.Unmarshal(out.Bytes(), &result); jerr != nil {
		return nil, fmt.Errorf("%s: %s could not run it: %w\n%s", shown, python, errors.Join(err, jerr), strings.TrimSpace(said.String()))
	}
	if e := result.Error; e != nil {
		where := shown
		if e.File != file {
			where = e.File
		}
		if e.Line > 0 {
			where = fmt.Sprintf("%s:%d", where, e.Line)
		}
		return nil, fmt.Errorf("%s: %s", where, e.Text)
	}
	return result.Settings, nil
}
