// Package config turns the defaults, a TOML file, the environment and the command line's flags into one checked Config.
//
// What is here: the table of all settings (settings.go, settings_app.go), from which the flags, the variables, the
// file's keys, docs/settings.md and the commands check and config are made; how values are written (kinds.go); the
// layers and their order (load.go); what is worked out when nobody set it (derive.go, machine.go); the checks
// (validate.go). Each effective value knows where it came from (source.go).
//
// What is not here: the command line library (cmd/standpipe hands over what was given), and anything that runs. Other
// rooms never see this package: cmd/internal/compose turns a Config into their own options.
//
// No goroutines, nothing global that changes. Files are read by Load alone.
//
// A new setting: one entry in the table, one field in config.go, checks that need more than one value in validate.go,
// then `go run ./cmd/internal/config/gen`. Only a setting whose feature exists may be in the table.
package config
