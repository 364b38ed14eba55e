package export

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config"
)

// container is what the files for containers, Kubernetes, Prometheus and logrotate see besides the rest of File.
type container struct {
	LogFiles []string // absolute
	Inside   int      // the port in a container
	Command  []string // that serves there, without the program
	Live     string   // health checks; empty: off
	Ready    string
	Metrics  string // host:port of the metrics; empty: the control socket alone
	UV       bool   // the project has a uv.lock
	Needs    bool   // it has a requirements.txt
	Tag      string // of the image
	TagFrom  string // what the tag is, as a comment
	Boot     int64  // seconds that an app may take to start
	Grace    int64  // seconds that a stop may take
}

// contained fills in what a file of this kind needs.
func (f *File) contained(kind string, cfg *config.Config, in Input) error {
	for _, log := range []string{cfg.Logs.Access, cfg.Logs.Error} {
		if filepath.IsAbs(log) && !strings.HasPrefix(log, "/dev/") && !slices.Contains(f.LogFiles, log) {
			f.LogFiles = append(f.LogFiles, log)
		}
	}
	if kind == "logrotate" && len(f.LogFiles) == 0 {
		return errors.New("the logs go to standard output and error, which logrotate does not rotate; access_log and error_log in [log] name files")
	}
	f.Program, f.Dir, f.User = in.Program, cfg.Dir, in.User
	if cfg.Control.Socket != "off" {
		f.Control = cfg.Control.Socket
	}
	if paths := cfg.Responses.Health(); len(paths) > 1 {
		f.Live, f.Ready = paths[0], paths[1]
	}
	if m := cfg.Control.Metrics; m != "" && !strings.HasPrefix(m, "unix:") {
		f.Metrics = reachable(m)
	}
	if kind == "prometheus" && f.Metrics == "" {
		return errors.New("there is no address of metrics for Prometheus; `metrics = \"127.0.0.1:9100\"` in the file, or --metrics, sets it")
	}
	f.Tag, f.TagFrom = imageTag(in.Version)
	f.Inside = 8000
	for _, l := range cfg.Listen {
		if _, port, err := net.SplitHostPort(l.Address); err == nil && l.Protocol == "http" && l.Network == "tcp" && !l.Redirect {
			if n, err := strconv.Atoi(port); err == nil && n >= 1024 { // a container without root cannot have a lower one
				f.Inside = n
			}
			break
		}
	}
	f.Command = in.inside(cfg, f.Inside)
	f.UV, f.Needs = there(cfg.Dir, "uv.lock"), there(cfg.Dir, "requirements.txt")
	for _, a := range cfg.Apps {
		f.Boot = max(f.Boot, seconds(a.Life.BootTimeout))
	}
	f.Grace = seconds(cfg.Stop.Timeout) + 5
	return nil
}

// inside are the arguments of serve in a container, whose folder has the project's files.
func (in *Input) inside(cfg *config.Config, port int) []string {
	out := []string{"serve"}
	for _, arg := range in.Args {
		for _, folder := range []string{cfg.Dir, filepath.Dir(cfg.File)} {
			if rel, err := filepath.Rel(folder, arg); err == nil && filepath.IsAbs(arg) && !strings.HasPrefix(rel, "..") {
				arg = filepath.ToSlash(rel)
			}
		}
		out = append(out, arg)
	}
	return append(out, "--bind", "0.0.0.0:"+strconv.Itoa(port))
}

// imageTag is the tag of the app's image, and a comment. No image is named latest: two nodes could run two versions of it.
func imageTag(version string) (tag, from string) {
	numbers := strings.Split(version, ".")
	for _, n := range numbers {
		if _, err := strconv.ParseUint(n, 10, 32); err != nil || len(numbers) != 3 {
			return "0.0.0", "0.0.0 stands for the version of your app; this standpipe is no release."
		}
	}
	return version, "The tag is the version of standpipe; a tag for each version of your app is better."
}

func there(dir, name string) bool {
	st, err := os.Stat(filepath.Join(dir, name))
	return err == nil && st.Mode().IsRegular()
}

// jsonWords are the words of a command as a Dockerfile and YAML have them.
func jsonWords(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = fmt.Sprintf("%q", w)
	}
	return strings.Join(out, ", ")
}

// dns is the name as Kubernetes allows it: small letters, digits and dashes.
func (f *File) dns() string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, f.Name)
	if name = strings.Trim(name, "-"); name == "" || name[0] >= '0' && name[0] <= '9' {
		name = strings.TrimSuffix("app-"+name, "-")
	}
	return name[:min(len(name), 50)]
}

// startTries is how often a start is looked at, every two seconds.
func (f *File) startTries() int64 { return max(f.Boot/2+5, 10) }
