// Package docs has the pages that `standpipe help TOPIC` shows in a terminal. The program has them whole, about 250 KB; pages that
// other commands show (settings.md, commands.md, logs.md) and those for people who change standpipe are left out.
//
//	doc.go  Pages: the pages, by file name
//
// It has no state and no goroutine. cmd/internal/manual renders the pages.
package docs

import "embed"

// Pages are the pages.
//
//go:embed access.md automatic-https.md behind-cdn.md cache.md containers.md dashboard.md development.md faq.md fastcgi.md fields.md http2.md http3.md install.md
//go:embed kubernetes.md limits.md load-balancing.md local-https.md many-apps.md migrating.md neighbours.md operating.md reliability.md
//go:embed routes.md static.md systemd.md tls.md top.md tracing.md tutorial.md upgrading.md users.md workers.md zero-downtime.md
var Pages embed.FS
