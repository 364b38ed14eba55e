// Package manual shows the pages of docs/ in a terminal: standpipe help TOPIC.
//
//	topics.go  the topics, and the page of each
//	setting.go a setting as a topic
//	text.go    Markdown as text for people: headings, paragraphs, lists, code
//	inline.go  what is within a line: code, links, bold words; and how lines are broken
//	table.go   tables
//	pager.go   Show: through $PAGER where a person reads at a terminal
//
// It knows as much Markdown as the pages have, and is for these alone. It has no state and no goroutine.
package manual
