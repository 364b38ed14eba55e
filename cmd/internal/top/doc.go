// Package top is what `standpipe top` shows and how it reacts to keys, without a terminal and without a clock: events go
// in (Model.Update), actions and a canvas come out (View). Package live connects it with a server and a terminal.
//
//	event.go      events and actions
//	model.go      Model: what is shown; data that arrive
//	keys.go       what each key does
//	act.go        the menu of actions, and their confirmation
//	dumps.go      lines of Python: which workers were asked, and what they have answered
//	stacks.go     what workers answer: threads and calls
//	past.go       the last minutes of each app, for its graphs
//	list.go       the selected row of a page, its order, and what is visible
//	table.go      tables: columns that fit into the width, rows that are sorted
//	format.go     numbers, times and sizes
//	pages.go      the pages and their tables
//	page_apps.go, page_workers.go, page_upstreams.go, page_slow.go, page_cache.go, page_events.go  one page each
//	panel.go      below the apps: where the time of the selected one goes, and what happened
//	detail.go     what Enter shows
//	detail_app.go, detail_more.go  of an app, and of everything else
//	view.go       View: the whole screen
//	boxes.go      the menu, the confirmation, the help
//	text.go       Text: everything as text, for --once
//
// No goroutines.
package top
