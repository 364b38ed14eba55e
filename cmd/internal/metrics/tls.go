package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/standpipe/standpipe/cmd/internal/certs"
)

// Handshake counts a TLS handshake that has succeeded.
func (m *Metrics) Handshake(version string, resumed bool) {
	m.handshakes.WithLabelValues(version, strconv.FormatBool(resumed)).Inc()
}

// HandshakeFailed counts one that has failed.
func (m *Metrics) HandshakeFailed(reason string) { m.unshaken.WithLabelValues(reason).Inc() }

var descDays = prometheus.NewDesc("standpipe_certificate_days_left", "Days until the certificate expires; below 0: it has expired.", []string{"certificate", "source"}, nil)

// certificates are asked at each scrape.
type certificates func() []certs.Info

// Describe is for the registry.
func (certificates) Describe(c chan<- *prometheus.Desc) { c <- descDays }

// Collect is for the registry.
func (list certificates) Collect(c chan<- prometheus.Metric) {
	now := time.Now()
	seen := map[[2]string]bool{}
	for _, i := range list() {
		key := [2]string{i.Name(), i.Source}
		if i.NotAfter.IsZero() || seen[key] {
			continue
		}
		seen[key] = true
		c <- prometheus.MustNewConstMetric(descDays, prometheus.GaugeValue, i.DaysLeft(now), key[0], key[1])
	}
}
