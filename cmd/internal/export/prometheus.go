package export

// prometheus writes a part of prometheus.yml, and the alerts beside it as comments.
func prometheus(p *page, f *File) {
	p.textf(`
# Made by "standpipe export prometheus" from %s.
# prometheus.yml: the part for this server.
scrape_configs:
  - job_name: standpipe
    static_configs:
      - targets: ["%s"]
        labels:
          site: %s
`, f.Source, f.Metrics, f.dns())
	p.text(`
rule_files:
  - standpipe-alerts.yml

# standpipe-alerts.yml:
#
# groups:
#   - name: standpipe
#     rules:
#       - alert: StandpipeDown
#         expr: up{job="standpipe"} == 0
#         for: 1m
#       - alert: StandpipeNoWorkers
#         expr: standpipe_workers_ready == 0
#         for: 1m
#       - alert: StandpipeQueueRefuses
#         expr: sum by (app) (rate(standpipe_queue_refused_total[5m])) > 0
#         for: 5m
#       - alert: StandpipeErrors
#         expr: sum by (app) (rate(standpipe_requests_total{class="5xx"}[5m])) / sum by (app) (rate(standpipe_requests_total[5m])) > 0.05
#         for: 10m
#       - alert: StandpipeWorkersDie
#         expr: sum by (app, cause) (increase(standpipe_worker_exits_total{reason="none"}[15m])) > 3
#       - alert: StandpipeCertificateExpires
#         expr: standpipe_certificate_days_left < 7
`)
}
