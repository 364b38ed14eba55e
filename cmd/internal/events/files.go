package events

// fileEvents are the events of static files.
func fileEvents() []Event {
	return []Event{
		event("static", "info", "The folders of files that the app declares: those that are served without it, and those that only the app serves.", "app served refused", "`refused` gives the reason for each folder that only the app serves; see static.md."),
		event("static_cut", "warn", "A file changed while it was sent; the response was cut off.", "app id target dir name error", "Replace files by renaming; do not write into them."),
		event("static_folder", "warn", "A static folder cannot be entered; no file of it is served.", "dir", "Give the server's user access to the folder and the folders above it, or make the folder."),
		event("static_link_refused", "warn", "A symbolic link that leads out of a static folder was not followed.", "dir name", "Put the file into the folder, or set follow_symlinks."),
		event("static_trouble", "warn", "Static files that a framework declares cannot be served, or only some of them.", "app url dir declared_by traceback", "The record says what is missing. Name the folder yourself: --static /URL=DIR."),
		event("static_unreadable", "warn", "A static file cannot be read; the client got 403, 404, 500, or 503 when no descriptor was free.", "app dir name error", "Give the server's user access to the file; for 'too many open files' raise the limit (LimitNOFILE)."),
	}
}
