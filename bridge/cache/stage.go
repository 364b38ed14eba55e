package cache

import (
	"net/http"
	"time"

	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// StageOptions are the settings of one app's or route's stage.
type StageOptions struct {
	// App is the name of the app, or of the route, in counters and logs.
	App string
	// Settings are those of the rules.
	Settings rules.Settings
	// Rules give a lifetime to answers that say nothing of theirs. The first that applies counts.
	Rules []Rule
	// Missing is the lifetime of a 404 or 410 that says nothing of it; 0: that of the other rules.
	Missing time.Duration
	// IgnoreQuery are parameters of the query that are not part of the key; a * at the end stands
	// for any characters.
	IgnoreQuery []string
	// Cookies are the names of those that are part of the key.
	Cookies []string
	// Pages are the error pages; nil: the built-in ones.
	Pages *httpx.Pages
}

// Rule is the lifetime of some answers that say nothing of it.
type Rule struct {
	// Path reports whether it is for a path; nil: it is for all.
	Path func(path string) bool
	// Statuses are the status codes of these answers; none: 200.
	Statuses []int
	// TTL is the lifetime.
	TTL time.Duration
	// IgnoreCookies: requests with cookies share these answers, too.
	IgnoreCookies bool
}

// Stage is the stage of one app or route. It is cheap to make.
func (c *Cache) Stage(o StageOptions) func(next http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return next }
}
