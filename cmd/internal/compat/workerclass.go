package compat

import (
	"fmt"
	"strconv"
	"strings"
)

// Greenlets translates gunicorn's -k and --worker-connections into the value of --gevent, or
// nothing, and returns what is wrong with them. Connections of another class make no difference.
func Greenlets(class, connections string, classSet, connectionsSet bool) (greenlets string, bad []error) {
	if classSet {
		if err := workerClass(class); err != nil {
			return "", []error{err}
		}
	}
	n, err := strconv.Atoi(connections)
	switch {
	case connectionsSet && !isGevent(class): // without effect in gunicorn too, but for its gthread
	case connectionsSet && (err != nil || n < 1):
		bad = append(bad, fmt.Errorf("--worker-connections: %q is not a whole number of 1 or more", connections))
	case connectionsSet:
		greenlets = connections
	case isGevent(class):
		greenlets = "1000" // gunicorn's default of worker_connections
	}
	return greenlets, bad
}

func isGevent(class string) bool {
	return class == "gevent" || class == "gunicorn.workers.ggevent.GeventWorker"
}

// workerClass checks the value of -k.
func workerClass(v string) error {
	short := v
	for _, p := range []string{"gunicorn.workers.sync.SyncWorker", "gunicorn.workers.gthread.ThreadWorker"} {
		if v == p {
			return nil
		}
	}
	if i := strings.LastIndexByte(v, '.'); i >= 0 {
		short = v[i+1:]
	}
	low := strings.ToLower(short)
	switch {
	case v == "sync" || v == "gthread" || isGevent(v):
		return nil
	case strings.HasPrefix(low, "gevent"), strings.HasPrefix(low, "eventlet"), strings.HasPrefix(low, "ggevent"):
		return fmt.Errorf("-k %s: not yet; --threads 16 lets one worker wait for many things, and so does -k gevent", v)
	case strings.Contains(low, "uvicorn"), strings.Contains(low, "asgi"):
		return fmt.Errorf("-k %s: not yet; standpipe serves WSGI applications, not ASGI ones", v)
	case low == "tornado" || low == "tornadoworker":
		return fmt.Errorf("-k %s: not yet; standpipe serves WSGI applications", v)
	default:
		return fmt.Errorf("-k %s: there is no such kind of worker; sync, gthread and gevent are accepted", v)
	}
}
