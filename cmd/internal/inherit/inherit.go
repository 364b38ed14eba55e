// Package inherit keeps what standpipe inherits from its parent to itself.
package inherit
