package export

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/forwarded"
	"github.com/standpipe/standpipe/cmd/internal/config"
)

// Kinds are the kinds of files.
var Kinds = []string{"nginx", "apache", "systemd", "logrotate", "docker", "kubernetes", "prometheus"}

// pages write the text of each kind.
var pages = map[string]func(*page, *File){
	"nginx": nginx, "apache": apache, "systemd": systemd, "logrotate": logrotate,
	"docker": docker, "kubernetes": kubernetes, "prometheus": prometheus,
}

// Input is what the settings do not contain.
type Input struct {
	Listen  string   // where the web server listens: "80", "127.0.0.1:8081"
	Connect string   // how it connects to standpipe, as after --bind; empty: by the settings
	Unit    string   // of systemd: "service", "socket"; empty: both
	Version string   // of standpipe
	Program string   // the executable file of standpipe
	Args    []string // what follows "standpipe serve", without the addresses
	User    string   // that runs it; empty: standpipe drops root privileges itself
}

// File is what the text of a file is made from.
type File struct {
	Name   string // of the first app: of the site
	Source string // where the settings come from

	// A web server's view.
	Listen string
	Port   string
	Names  []string // hosts; none: all
	Speaks string   // http or uwsgi
	TCP    string   // host:port of standpipe; empty: Unix
	Unix   string   // its socket
	Static []Static
	Left   []string // URLs of folders that standpipe serves

	MaxBody                          int64 // bytes; 0: no limit
	MaxHead                          int64
	HeaderTimeout, BodyTimeout, Idle time.Duration
	ReadTimeout                      time.Duration   // longer than any timeout of standpipe
	Routes                           bool            // some requests go to other servers, WebSocket included
	Cleared                          []string        // fields that a client could have sent, and that must not arrive
	Addresses, Schemes               []string        // fields that count by their own names
	counts                           map[string]bool // the words of trusted_fields

	// systemd's view.
	Service, Socket bool
	Program, Dir    string
	Args            []string
	User            string
	Writes          []string // folders that standpipe itself writes to
	States, Caches  []string // of these, the ones that systemd makes in /var/lib and /var/cache
	paths           []string // what it reads and writes
	Control         string   // the control socket, as set; empty: in the run-time folder
	Sockets         []Socket
	StopAfter       time.Duration // 0: never
	Watchdog        time.Duration

	container
}

// Socket is one address of a socket unit.
type Socket struct {
	Stream            string
	Mode, User, Group string
}

// Write writes the file of that kind for the settings.
func Write(w io.Writer, kind string, cfg *config.Config, in Input) error {
	f := &File{Source: "the command line", Listen: in.Listen, Port: portOf(in.Listen)}
	if cfg.File != "" {
		f.Source = cfg.File
	}
	f.Name = config.InstanceName(cfg)
	f.MaxBody, f.MaxHead = cfg.Limits.MaxBody, cfg.Limits.MaxHead
	f.HeaderTimeout, f.BodyTimeout, f.Idle = cfg.Limits.HeaderTimeout, cfg.Limits.BodyTimeout, cfg.Limits.IdleTimeout
	f.Routes = len(cfg.Routes) > 0
	for _, a := range cfg.Apps {
		if len(a.Hosts) == 0 {
			f.Names = nil
			break
		}
		for _, h := range a.Hosts {
			if !slices.Contains(f.Names, h) {
				f.Names = append(f.Names, h)
			}
		}
	}
	f.counts = map[string]bool{}
	for _, word := range cfg.Trust.Fields {
		f.counts[forwarded.FieldWord(word)] = true
	}
	f.ReadTimeout = readTimeout(cfg)
	f.Static, f.Left = staticPlaces(cfg)
	var err error
	switch kind {
	case "systemd":
		err = f.unit(cfg, in)
	case "nginx", "apache":
		err = f.target(cfg, in)
	default:
		err = f.contained(kind, cfg, in)
	}
	if err != nil {
		return err
	}
	if err := f.clear(cfg.Trust.Fields); err != nil {
		return err
	}
	return f.write(w, kind)
}

// clear determines which fields a web server must remove. By uwsgi, host and port have variables of their own.
func (f *File) clear(words []string) error {
	if f.Speaks == "uwsgi" {
		kept := []string{"for", "proto"}
		if f.counts["id"] {
			kept = append(kept, "id")
		}
		words = kept
	}
	fields, err := forwarded.ParseFields(words)
	if err != nil {
		return err
	}
	f.Cleared = fields.Ignored()
	f.Addresses, f.Schemes = fields.Named()
	return nil
}

func (f *File) write(w io.Writer, kind string) error {
	var p page
	pages[kind](&p, f)
	_, err := io.WriteString(w, p.b.String())
	return err
}

// target is how a web server connects to standpipe: by uwsgi if an address speaks it, else by
// HTTP.
func (f *File) target(cfg *config.Config, in Input) error {
	var at config.Listen
	if in.Connect != "" {
		l, err := config.ParseListen(in.Connect, cfg.Dir)
		if err != nil {
			return err
		}
		at = l
	} else {
		i := slices.IndexFunc(cfg.Listen, func(l config.Listen) bool { return l.Protocol == "uwsgi" })
		if i < 0 {
			i = slices.IndexFunc(cfg.Listen, func(l config.Listen) bool { return l.Protocol == "http" && !l.Redirect })
		}
		if i < 0 {
			return errors.New("no address speaks http or uwsgi for a web server in front; name one with --connect, such as --connect 127.0.0.1:8000, or have standpipe alone speak https")
		}
		at = cfg.Listen[i]
	}
	f.Speaks = at.Protocol
	switch at.Network {
	case "unix":
		f.Unix = at.Address
	case "tcp":
		f.TCP = reachable(at.Address)
	default:
		return fmt.Errorf("%s is a socket that another program passes; name its address with --connect, such as --connect uwsgi+unix:/run/shop.sock", at)
	}
	return nil
}

// variablePart is the name as a part of a variable's name.
func (f *File) variablePart() string { return strings.NewReplacer("-", "_", ".", "_").Replace(f.Name) }

// keepIdle is how long a web server may keep an idle connection to standpipe: less than
// standpipe does, or a request could meet a closed connection.
func (f *File) keepIdle() time.Duration {
	if f.Idle == 0 {
		return time.Minute
	}
	return max(min(f.Idle*4/5, time.Minute).Truncate(time.Second), time.Second)
}

// readTimeout is longer than the time of a request in the queue and in the app, so that
// standpipe's own response arrives, with its request id, and not the web server's.
func readTimeout(cfg *config.Config) time.Duration {
	longest := time.Duration(0)
	for _, a := range cfg.Apps {
		if a.Requests.Timeout == 0 || a.Requests.QueueTimeout == 0 {
			return time.Hour
		}
		longest = max(longest, a.Requests.Timeout+a.Requests.QueueTimeout)
		if a.Requests.StreamTimeout > 0 {
			longest = max(longest, a.Requests.StreamTimeout)
		}
	}
	for _, r := range cfg.Routes {
		if r.ReadTimeout == 0 {
			return time.Hour
		}
		longest = max(longest, r.ConnectTimeout+r.ReadTimeout)
	}
	return longest + 5*time.Second
}
