package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/discover"
)

// missing is an app's folder or interpreter that does not exist. For one app of several that is no reason to stop.
type missing struct {
	app     int // in Config.Apps
	problem schema.Problem
}

func (l *loader) addMissing(app int, src schema.Source, err error) {
	a := &l.cfg.Apps[app]
	a.Broken = err
	l.missing = append(l.missing, missing{app, schema.Problem{Where: src.Position(), Message: fmt.Sprintf("app %q: %v", a.Name, err)}})
}

// judgeMissing makes problems of what is missing, unless the other apps can be served without it: the caller is tolerant,
// nothing else is wrong, and at least one app is complete.
func (l *loader) judgeMissing() {
	complete := slices.ContainsFunc(l.cfg.Apps, func(a App) bool { return a.Broken == nil })
	if l.in.Tolerant && complete && len(l.v.Problems) == 0 {
		return
	}
	for _, m := range l.missing {
		l.cfg.Apps[m.app].Broken = nil
		l.v.Problems = append(l.v.Problems, m.problem)
	}
}

// Again looks again for what was missing when the configuration was read. It returns the app with what exists now, or an
// error that names what is still missing: the end of a sentence. An app that is not Broken is returned unchanged, so that
// all its workers run with what the first one was started with. Any goroutine may call it.
func (a *App) Again() (*App, error) {
	if a.Broken == nil {
		return a, nil
	}
	if err := checkFolder(a.Dir); err != nil {
		return nil, err
	}
	in, err := discover.Find(a.search)
	if err != nil {
		return nil, err
	}
	now := *a
	now.Interpreter, now.Broken = in, nil
	if a.unread {
		var vars []EnvVar
		for _, path := range a.EnvFile {
			v, err := readEnvFile(path)
			if err != nil {
				return nil, fmt.Errorf("env_file %s", withPath(path, err))
			}
			vars = append(vars, v...)
		}
		now.Env, now.unread = append(vars, a.Env...), false
	}
	return &now, nil
}

// checkFolder returns why path is not a folder that can be used; nil: it is.
func checkFolder(path string) error {
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("the folder %s does not exist", path)
	case err != nil:
		return fmt.Errorf("the folder %s cannot be used: %w", path, reason(err))
	case !st.IsDir():
		return fmt.Errorf("%s is not a folder", path)
	}
	return nil
}

// beneath reports whether path lies in dir.
func beneath(path, dir string) bool {
	return strings.HasPrefix(path, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator))
}
