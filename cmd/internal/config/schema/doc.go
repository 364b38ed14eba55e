// Package schema is the engine of the configuration. It knows how settings are declared, read, checked, shown and
// documented. It knows no setting: package config declares them.
//
// A configuration is a Go struct whose fields are structs with settings (Settable). Of walks it once and makes Scopes of
// it, one for each table of the file. Everything else is a loop over these scopes: flags, variables, keys of the file,
// misspellings, the effective values, the documentation. A new table is therefore a new type with a Settings method, and
// one field of that type in the configuration, or in the struct of the table that it lies in: an array of tables may have
// tables and arrays of tables of its own ([[route.upstream]]), to any depth.
//
// Objects: a Schema has Scopes, a Scope has Settings. Values is one configuration that is being read: it has the layers
// (File, layer), the Sources of all values and the Problems so far. A Row is one table of it, for checks.
//
// Files: scope.go (Schema, Scope and how they are made of a struct), setting.go (Setting), value.go (a setting's field:
// writing and showing it), kinds.go (how values are written), source.go, problem.go, toml.go (the file), expand.go (the variables in its texts), lines.go (the line
// of each of its keys), rowflag.go (a row as one flag), layers.go (environment and flags), values.go (the layers put
// together), row.go (checks), unknown.go and nearest.go (misspelled keys), effective.go (the values in force, and how two
// configurations differ), texts.go (documentation in fragments), docs.go (the page of all settings).
//
// No goroutines, and nothing global that changes. ReadFile alone reads a file.
package schema
