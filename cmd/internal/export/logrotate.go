package export

import "strings"

// logrotate writes a file for logrotate.d.
func logrotate(p *page, f *File) {
	p.textf(`
# /etc/logrotate.d/%s
# Made by "standpipe export logrotate" from %s.
# copytruncate is not needed: standpipe opens its logs again when it is told to, and no line is lost.
`, f.Name, f.Source)
	var files []string
	for _, file := range f.LogFiles {
		files = append(files, quotePath(file))
	}
	p.line("%s {", strings.Join(files, "\n"))
	p.text(`
    weekly
    rotate 8
    compress
    delaycompress
    missingok
    notifempty
    sharedscripts
    postrotate
        # The same as kill -USR1, without a pid file. A standpipe that does not run is no error.
`)
	if f.Control != "" {
		p.line("        %s reopen-logs --control %s >/dev/null 2>&1 || true", quotePath(f.Program), quotePath(f.Control))
	} else {
		p.line("        cd %s && %s reopen-logs >/dev/null 2>&1 || true", quotePath(f.Dir), quotePath(f.Program))
	}
	p.text(`
    endscript
}
`)
}
