// Package laws holds what the tree itself must keep, as tests over its source: they start no server and take some seconds.
//
//	docmap_test.go      each doc.go names every file of its package
//	types_test.go       no type has more than 20 methods, what it embeds included
//	wiring_test.go      every field of an Options struct is set by another package
//	words_test.go       words that have a better one, as identifiers and in prose
//	pages_test.go       links of the pages, and the events, settings and figures that they name
//	licences_test.go    THIRD_PARTY_LICENSES: the licences of the modules that the program contains
//	changelog_test.go   the sections of CHANGELOG.md, and the notes of a release made from them
//	duplicates_test.go  no block of 12 lines is written twice
//
// tree_test.go reads the source, packages_test.go type-checks it. `make check` runs them.
package laws
