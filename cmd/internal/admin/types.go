package admin

import (
	"time"

	"github.com/standpipe/standpipe/bridge/maintain"
	"github.com/standpipe/standpipe/cmd/internal/certs"
	"github.com/standpipe/standpipe/cmd/internal/monitor"
)

// Status is the state of a server.
type Status struct {
	Version   string    `json:"version"`
	Pid       int       `json:"pid"`
	Started   time.Time `json:"started"`
	Control   string    `json:"control"`
	Addresses []string  `json:"addresses"`
	LogLevel  string    `json:"log_level"`
	// Folders are those by which commands find it: of the start, of the configuration file, of the apps.
	Folders  []string `json:"folders"`
	Stopping bool     `json:"stopping"`
	// FailedReload is the last reload whose configuration had problems; nil: none since the last
	// that succeeded.
	FailedReload *Failure `json:"last_failed_reload,omitempty"`
	// Requests are the numbers of answered requests by version: "HTTP/1.1", "HTTP/2.0", "uwsgi".
	Requests map[string]int64 `json:"requests,omitempty"`
	// Tunnels are the upgraded connections; nil: there are none.
	Tunnels *Tunnels `json:"tunnels,omitempty"`
	// Certificates are those of HTTPS.
	Certificates []certs.Info `json:"certificates,omitempty"`
	// Scanned is how many requests were refused as those of scanners.
	Scanned int64 `json:"scanned,omitempty"`
	// Limits are the numbers of [[limit]].
	Limits []Limit `json:"limits,omitempty"`
	// Cache are the numbers of the HTTP cache, by app and route; none: it is off.
	Cache []Cache `json:"cache,omitempty"`
	// CacheFiles are those of its files; none: there is no cache_dir.
	CacheFiles *CacheFiles `json:"cache_files,omitempty"`
	// CacheRedis are the numbers of the Redis in which servers share the HTTP cache; nil: they do not.
	CacheRedis *CacheRedis `json:"cache_redis,omitempty"`
	// Clients are who was refused by address; nil: none was, and none is denied.
	Clients *Clients `json:"clients,omitempty"`
	// Upstreams are those of all routes.
	Upstreams []Upstream `json:"upstreams,omitempty"`
	// Maintenance is what is under maintenance; a page in it is left out.
	Maintenance []maintain.Window `json:"maintenance,omitempty"`
	Apps        []App             `json:"apps"`
}

// Tunnels are the upgraded connections (WebSocket through a route) that are open.
type Tunnels struct {
	Open   int     `json:"open"`
	Oldest float64 `json:"oldest_seconds"`
}

// Limit are the numbers of one [[limit]]. Those of requests and Evicted never decrease.
type Limit struct {
	Name    string `json:"name"`
	Allowed int64  `json:"allowed"`
	Delayed int64  `json:"delayed"`
	Refused int64  `json:"refused"`
	// Evicted is how many keys were forgotten although they still counted; Keys is how many count.
	Evicted int64 `json:"evicted"`
	Keys    int   `json:"keys"`
	// Running and Waiting are requests at present; Running is 0 for a limit without concurrency.
	Running int `json:"running"`
	Waiting int `json:"waiting"`
	// Store is where requests are counted: "memory", "redis", or "redis away" while it does not answer.
	Store string `json:"store"`
}

// CacheFiles are the numbers of cache_dir. Evicted, Damaged and Dropped never decrease.
type CacheFiles struct {
	State string `json:"state"` // "ready"; "reading": not all files are known yet; "paused": none can be written; "away": the folder cannot be used
	Files int64  `json:"files"`
	Bytes int64  `json:"bytes"`
	Limit int64  `json:"limit"` // of Bytes
	// Files that went for want of room, that were damaged, and that were not written.
	Evicted int64 `json:"evicted"`
	Damaged int64 `json:"damaged"`
	Dropped int64 `json:"dropped"`
}

// Cache are the numbers of the HTTP cache for one app or route. Those of requests, Stored and Evicted never decrease.
type Cache struct {
	App string `json:"app"` // "shop"; "route /api"
	// Requests by what there was for them.
	Hits        int64 `json:"hits"`
	Misses      int64 `json:"misses"`
	Stale       int64 `json:"stale"`
	Revalidated int64 `json:"revalidated"`
	Collapsed   int64 `json:"collapsed"` // another request fetched the answer
	Passed      int64 `json:"passed"`    // the answer is not stored
	// Answers that were stored, and that left the memory for want of room; those in memory at present, and their bytes.
	Stored  int64 `json:"stored"`
	Evicted int64 `json:"evicted"`
	Entries int64 `json:"entries"`
	Bytes   int64 `json:"bytes"`
}

// CacheRedis is the Redis in which servers share the HTTP cache. The numbers never decrease.
type CacheRedis struct {
	Address string `json:"address"`
	Away    bool   `json:"away"`    // each server has its own memory meanwhile
	Loads   int64  `json:"loads"`   // questions for an answer
	Found   int64  `json:"found"`   // those that found one
	Stored  int64  `json:"stored"`  // answers
	Large   int64  `json:"large"`   // answers that are too large for it
	Damaged int64  `json:"damaged"` // answers that were removed
}

// Health says whether the apps take requests.
type Health struct {
	Ready bool        `json:"ready"` // all of them do
	Apps  []AppHealth `json:"apps"`
}

// AppHealth is one of them.
type AppHealth struct {
	Name  string `json:"name"`
	Ready bool   `json:"ready"`
}

// Files are the folders of static files, whether the server serves them or not.
type Files struct {
	Static []Folder `json:"static"`
}

// Folder is one of them.
type Folder struct {
	App string `json:"app,omitempty"` // empty: of [[static]]
	URL string `json:"url"`
	Dir string `json:"dir"`
	How string `json:"how"` // "configured", "declared by Flask"
	// State is "served", "app" (left to the app) or "trouble" (it cannot be served).
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"` // why it is not served
}

// Certificates are those of HTTPS.
type Certificates struct {
	Running      bool          `json:"running"` // false: no server has answered; they are stored
	Certificates []Certificate `json:"certificates"`
}

// Certificate is one of them.
type Certificate struct {
	certs.Info
	// DaysLeft is how many whole days it is still valid, below 0: it has expired; nil: there is
	// none yet.
	DaysLeft *int `json:"days_left,omitempty"`
}

// App is one app.
type App struct {
	Name       string `json:"name"`
	Generation int    `json:"generation"`
	// Release is the folder that the generation was made from, links resolved. ReleaseGone:
	// it does not exist any more; a worker that exits cannot be replaced.
	Release     string `json:"release"`
	ReleaseGone bool   `json:"release_gone"`
	Reloading   bool   `json:"reloading"`
	Paused      bool   `json:"paused"`
	Asleep      bool   `json:"asleep"`
	// Workers is the configured number; Idle + Busy + Booting + Draining + BackingOff is that
	// number. Surplus ones boot to replace one of them, or finish their requests. Ready ones
	// take requests.
	Workers    int `json:"workers"`
	Idle       int `json:"idle"`
	Busy       int `json:"busy"`
	Booting    int `json:"booting"`
	Draining   int `json:"draining"`
	BackingOff int `json:"backing_off"`
	Surplus    int `json:"surplus"`
	Ready      int `json:"ready"`
	// Waiting of at most Limit (0: no limit) requests are in the queue, the first of them for
	// Oldest seconds.
	Waiting int     `json:"waiting"`
	Limit   int     `json:"queue_limit"`
	Oldest  float64 `json:"oldest_seconds"`
	// These never decrease.
	Served        int64 `json:"served"`
	Restarts      int64 `json:"restarts"`
	QueueFull     int64 `json:"queue_full"`
	QueueTimeouts int64 `json:"queue_timeouts"`
	BootFailures  int64 `json:"boot_failures"`
	// Failure is why the last boot failed; nil: it did not. FailedReload is the last
	// reload that failed; nil: none has since the last that succeeded.
	Failure      *Failure `json:"failure,omitempty"`
	FailedReload *Failure `json:"last_failed_reload,omitempty"`
	Processes    []Worker `json:"processes"`
	// Templates fork the workers (preload); none without it.
	Templates []Template `json:"templates,omitempty"`
}

// Upstream is another server that requests of a route go to.
type Upstream struct {
	Route   string `json:"route"`
	Address string `json:"address"`
	// State is "available", "refusing", "ejected", "unhealthy" (its checks fail) or "down" (configured so). Reason is why,
	// and Left for how many seconds it lasts; 0: until a check passes, or for ever.
	State    string  `json:"state"`
	Reason   string  `json:"reason,omitempty"`
	Left     float64 `json:"left_seconds,omitempty"`
	Weight   int     `json:"weight"`
	Backup   bool    `json:"backup"`
	MaxConns int     `json:"max_conns"` // 0: no limit
	InFlight int64   `json:"in_flight"`
	// Latency is the mean time in seconds until responses begin, newer ones counting more; 0: unknown.
	Latency float64 `json:"latency_seconds"`
	// These never decrease.
	Requests  int64 `json:"requests"`
	Failures  int64 `json:"failures"`
	Retries   int64 `json:"retries"`
	Ejections int64 `json:"ejections"`
	// Check is the last active check; nil: there was none.
	Check *Check `json:"last_check,omitempty"`
}

// Check is one active check of an upstream.
type Check struct {
	At    time.Time `json:"at"`
	Took  float64   `json:"took_seconds"`
	Error string    `json:"error,omitempty"` // empty: it has passed
}

// Worker is one process.
type Worker struct {
	Name       string  `json:"name"` // "shop/3"
	Pid        int     `json:"pid"`  // 0: there is none yet
	Generation int     `json:"generation"`
	Release    string  `json:"release"` // that its generation was made from
	State      string  `json:"state"`
	Due        string  `json:"due,omitempty"` // why a replacement boots
	Up         float64 `json:"up_seconds"`
	Served     int64   `json:"served"`
	// RSS in bytes at the last sample; 0: unknown.
	RSS int64 `json:"rss"`
	// PSS is that with each page divided by the processes that share it; 0: unknown.
	PSS      int64     `json:"pss"`
	Requests []Request `json:"requests"`
}

// Template is a process that forks workers.
type Template struct {
	Name       string  `json:"name"` // "shop/template"
	Pid        int     `json:"pid"`
	Generation int     `json:"generation"`
	Ready      bool    `json:"ready"` // it has imported the app
	Up         float64 `json:"up_seconds"`
	Forks      int     `json:"forks"`
	PSS        int64   `json:"pss"`
}

// Request is one that a worker runs.
type Request struct {
	ID     string `json:"id"`
	Method string `json:"method"`
	Target string `json:"target"`
	// Seconds since the worker got it.
	Seconds float64 `json:"seconds"`
}

// Failure is why something did not come up.
type Failure struct {
	At        time.Time `json:"at,omitzero"`
	App       string    `json:"app,omitempty"`
	Sentence  string    `json:"sentence"`
	Traceback string    `json:"traceback,omitempty"` // or the stacks, if it hung
	Output    string    `json:"output,omitempty"`    // the end of what it printed
}

// Order is the body of a command.
type Order struct {
	App     string `json:"app,omitempty"`
	Worker  string `json:"worker,omitempty"`
	Workers int    `json:"workers,omitempty"`
	Level   string `json:"level,omitempty"`
	Name    string `json:"name,omitempty"` // of a certificate
	// Network is denied for so many seconds, 0: until it is allowed; Force: even if that is risky.
	Network string  `json:"network,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
	Reason  string  `json:"reason,omitempty"`
	Force   bool    `json:"force,omitempty"`
	// Maintenance is of App, or of the server, for so many Seconds, 0: until it is ended.
	Maintenance *Pause `json:"maintenance,omitempty"`
	// Purge is what is removed from the HTTP cache.
	Purge *Purge `json:"purge,omitempty"`
}

// Done is the response to a command.
type Done struct {
	Apps []string `json:"apps,omitempty"` // that it applied to
	From int      `json:"from,omitempty"` // workers before
	To   int      `json:"to,omitempty"`
	Pid  int      `json:"pid,omitempty"`
	// Removed is how many entries a purge has removed; NoCache: the cache is off.
	Removed *int `json:"removed,omitempty"`
	NoCache bool `json:"no_cache,omitempty"`
	// Kept: what the command has set outlives a restart.
	Kept bool `json:"kept,omitempty"`
}

// Dump is a worker's stacks.
type Dump struct {
	Worker string `json:"worker"`
	Pid    int    `json:"pid"`
	Stacks string `json:"stacks"`
}

// RestartNeeded is the Err of a reload that is in force, except for settings that need a
// restart.
const RestartNeeded = "restart_needed"

// Problem is the response to a command that was refused or failed.
type Problem struct {
	Err      string    `json:"error"`  // a word for programs
	Detail   string    `json:"detail"` // a sentence
	Failures []Failure `json:"failures,omitempty"`
}

func (p *Problem) Error() string { return p.Detail }

// Top is what `standpipe top` and the dashboard show: the state, and the figures of the last seconds.
type Top struct {
	Status  Status          `json:"status"`
	Figures monitor.Figures `json:"figures"`
}
