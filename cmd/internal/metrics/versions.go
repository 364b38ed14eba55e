package metrics

import (
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// The ways in that requests are counted by, the label version. other: the request could not be
// read as far as its version.
const (
	versionOther = iota
	version10
	version11
	version20
	version30
	versionUWSGI
)

var versionNames = [...]string{"other", "HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "HTTP/3.0", "uwsgi"}

// versions counts requests by version.
type versions [len(versionNames)]atomic.Int64

// count counts one. relayed: it came by the uwsgi protocol, whatever version the server in front
// has spoken.
func (v *versions) count(r *http.Request, relayed bool) { v[versionOf(r, relayed)].Add(1) }

func versionOf(r *http.Request, relayed bool) int {
	switch {
	case relayed:
		return versionUWSGI
	case r.ProtoMajor == 1 && r.ProtoMinor == 1:
		return version11
	case r.ProtoMajor == 2:
		return version20
	case r.ProtoMajor == 3:
		return version30
	case r.ProtoMajor == 1:
		return version10
	}
	return versionOther
}

var descVersions = desc("standpipe_requests_by_version_total", "Requests that were answered, by the version of HTTP; uwsgi: from a server in front that speaks it.", "version")

// Describe is for the registry.
func (*versions) Describe(c chan<- *prometheus.Desc) { c <- descVersions }

// Collect is for the registry.
func (v *versions) Collect(c chan<- prometheus.Metric) {
	for i, name := range versionNames {
		c <- prometheus.MustNewConstMetric(descVersions, prometheus.CounterValue, float64(v[i].Load()), name)
	}
}

// Versions are the numbers of requests by version, without those of which there was none.
func (m *Metrics) Versions() map[string]int64 {
	list := map[string]int64{}
	for i, name := range versionNames {
		if n := m.versions[i].Load(); n > 0 {
			list[name] = n
		}
	}
	return list
}
