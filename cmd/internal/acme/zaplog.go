package acme

import (
	"fmt"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/hashicorp/go-hclog"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// zapCore writes certmagic's records to an hclog.Logger, as events "acme": the message is the record's text, the fields that the
// log has for all events are fields, and all others are in `detail`.
type zapCore struct {
	log    hclog.Logger
	fields []zapcore.Field
}

func newZapCore(log hclog.Logger) zapcore.Core { return &zapCore{log: log} }

// Adopt has certmagic's own logger write to log. It is for what has no other one, such as the locks of a folder, and writes to
// standard error until then. It is for the whole process, and is called once, before New.
func Adopt(log hclog.Logger) { *certmagic.Default.Logger = *zap.New(newZapCore(log)) }

// level: certmagic's info tells each step of an issuance. Events of our own tell the results.
func level(l zapcore.Level) hclog.Level {
	switch {
	case l >= zapcore.ErrorLevel:
		return hclog.Error
	case l == zapcore.WarnLevel:
		return hclog.Warn
	case l == zapcore.InfoLevel:
		return hclog.Debug
	}
	return hclog.Trace
}

// Enabled is zapcore.LevelEnabler's.
func (c *zapCore) Enabled(l zapcore.Level) bool { return level(l) >= c.log.GetLevel() }

// With is zapcore.Core's.
func (c *zapCore) With(f []zapcore.Field) zapcore.Core {
	return &zapCore{log: c.log, fields: append(c.fields[:len(c.fields):len(c.fields)], f...)}
}

// Check is zapcore.Core's.
func (c *zapCore) Check(e zapcore.Entry, to *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return to.AddCore(e, c)
	}
	return to
}

// Sync is zapcore.Core's.
func (*zapCore) Sync() error { return nil }

// names of certmagic's fields that are one of the log's.
var fieldNames = map[string]string{
	"identifier": "name", "subject": "name", "domain": "name", "server_name": "name", "identifiers": "name", "subjects": "name", "dns_name": "name",
	"error": "error", "err": "error", "issuer": "issuer", "ca": "issuer", "remote": "peer", "remote_addr": "peer",
}

// Write is zapcore.Core's.
func (c *zapCore) Write(e zapcore.Entry, f []zapcore.Field) error {
	m := zapcore.NewMapObjectEncoder()
	order := make([]string, 0, len(c.fields)+len(f))
	for _, field := range append(c.fields[:len(c.fields):len(c.fields)], f...) {
		before := len(m.Fields)
		field.AddTo(m)
		if len(m.Fields) > before {
			order = append(order, field.Key)
		}
	}
	pairs := []any{"message", e.Message}
	if e.LoggerName != "" {
		pairs[1] = strings.TrimPrefix(e.LoggerName, ".") + ": " + e.Message
	}
	var detail []string
	seen := map[string]bool{}
	for _, key := range order {
		v := plain(m.Fields[key])
		if name, ok := fieldNames[key]; ok && !seen[name] {
			seen[name] = true
			pairs = append(pairs, name, v)
		} else {
			detail = append(detail, key+"="+v)
		}
	}
	if len(detail) > 0 {
		pairs = append(pairs, "detail", strings.Join(detail, " "))
	}
	at := level(e.Level)
	if e.Message == "tls-alpn challenge" {
		at = hclog.Debug // any client can say that it is a CA; the handshake is counted
	}
	c.log.Log(at, "acme", pairs...)
	return nil
}

// plain is the text of a value.
func plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		list := make([]string, 0, len(v))
		for _, one := range v {
			list = append(list, plain(one))
		}
		return strings.Join(list, ",")
	case time.Duration:
		return v.String()
	}
	return fmt.Sprint(v)
}
