package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/standpipe/standpipe/cmd/internal/compose"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/exit"
	"github.com/standpipe/standpipe/cmd/internal/journal"
	"github.com/standpipe/standpipe/cmd/internal/terminal"
	"github.com/standpipe/standpipe/supervisor"
)

// checkLoad imports each app in its own interpreter, in one worker that gets no request and
// is then stopped. The result of each is written to out. The error carries exit code 3 if one
// did not start.
func checkLoad(ctx context.Context, cfg *config.Config, out io.Writer) error {
	failed := 0
	for i := range cfg.Apps {
		if !loadApp(ctx, cfg, &cfg.Apps[i], out) {
			failed++
		}
	}
	if failed > 0 {
		return exit.With(exit.NotBooted, fmt.Errorf("%d of %d apps did not start", failed, len(cfg.Apps)))
	}
	return nil
}

func loadApp(ctx context.Context, cfg *config.Config, a *config.App, out io.Writer) bool {
	one := *a
	one.Workers.Min = 1
	progress := journal.NewProgress()
	var mu sync.Mutex // several goroutines write output
	pool := compose.LoadPool(cfg, &one, version, func(e supervisor.Event) {
		progress.Event(e)
		if o, ok := e.(supervisor.Output); ok {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintf(out, "  %s | %s\n", a.Name, strings.ReplaceAll(o.Text, "\n", "\n  "+a.Name+" | "))
		}
	})
	pool.Start()
	select {
	case <-pool.Up():
	case <-pool.Down():
	case <-ctx.Done():
	}
	failure := pool.Failure()
	pool.Stop(ctx, supervisor.Shutdown)
	if st := progress.Of(a.Name); st.Ready != nil {
		fmt.Fprintf(out, "ok   app %q: %s%s\n", a.Name, st.Ready.Found, terminal.Found(a, st.Ready.How))
		return true
	}
	if failure == nil {
		failure = &supervisor.BootFailure{Who: supervisor.Who{App: a.Name}, Err: errors.New("interrupted")}
	}
	fmt.Fprintln(out, "fail", journal.Sentence(failure))
	if f := failure.Failed; f != nil {
		if f.Fix != "" {
			fmt.Fprintf(out, "  fix       %s\n", strings.ReplaceAll(f.Fix, "\n", "\n            "))
		}
		fmt.Fprintf(out, "  dir       %s\n  sys.path  %s\n", f.Dir, strings.Join(f.SysPath, "\n            "))
		if f.Traceback != "" {
			fmt.Fprintf(out, "  %s\n", strings.ReplaceAll(strings.TrimRight(f.Traceback, "\n"), "\n", "\n  "))
		}
	} else if failure.Err != nil {
		fmt.Fprintf(out, "  %s\n", failure.Err)
	}
	return false
}
