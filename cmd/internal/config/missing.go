package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/discover"
)

// absence is an app's folder or interpreter that is not there. For one app of several that is no reason to stop.
type absence struct {
	app     int // in Config.Apps
	problem Problem
}

func (l *loader) absent(app int, src Source, err error) {
	a := &l.cfg.Apps[app]
	a.Broken = err
	l.absences = append(l.absences, absence{app, Problem{src.place(), fmt.Sprintf("app %q: %v", a.Name, err)}})
}

// judgeAbsences makes problems of what is missing, unless the others can go on without it: the caller is tolerant,
// nothing else is wrong, and at least one app is whole.
func (l *loader) judgeAbsences() {
	whole := slices.ContainsFunc(l.cfg.Apps, func(a App) bool { return a.Broken == nil })
	if l.in.Tolerant && whole && len(l.bad) == 0 {
		return
	}
	for _, m := range l.absences {
		l.cfg.Apps[m.app].Broken = nil
		l.bad = append(l.bad, m.problem)
	}
}

// Again looks once more for what was missing when the configuration was read. It returns the app with what is there
// now, or what is missing still: the end of a sentence. An app that is not Broken is returned as it is, so that all its
// workers run with what its first one was started with. Any goroutine may call it.
func (a *App) Again() (*App, error) {
	if a.Broken == nil {
		return a, nil
	}
	if err := checkFolder(a.Dir); err != nil {
		return nil, err
	}
	in, err := discover.Find(a.wish)
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

// checkFolder says why there is no folder at path; nil: there is one.
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

// beneath says whether path lies in dir.
func beneath(path, dir string) bool {
	return strings.HasPrefix(path, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator))
}

// unsure says whether what was said about one of these values could not be read: a problem that follows from the value
// in its place would only be noise.
func (l *loader) unsure(paths ...string) bool {
	return slices.ContainsFunc(paths, func(path string) bool {
		if l.failed[path] {
			return true
		}
		return l.sources.Of(path).Kind < FromEnv && (l.file.failed || l.file.lostApps && strings.HasPrefix(path, "app."))
	})
}
