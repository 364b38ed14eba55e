package events

// fileEvents are the events of static files, and of the HTTP cache in files.
func fileEvents() []Event {
	return []Event{
		event("cache_dir_back", "info", "Answers are stored in cache_dir again.", "dir for", "Nothing."),
		event("cache_dir_busy", "info", "Another process uses cache_dir. This one works without it until the other one has ended.", "dir", "Nothing during an upgrade. Two servers need two folders."),
		event("cache_dir_failed", "warn", "An answer could not be written to cache_dir. What is there is served; new answers are written again as soon as that is possible.", "dir error", "Free space, or repair the disk; cache_dir_size bounds what the cache takes."),
		event("cache_dir_read", "info", "All files in cache_dir are known.", "dir files bytes took", "Nothing."),
		event("cache_dir_unusable", "warn", "cache_dir cannot be used. The server works without it, and tries again.", "dir error", "Name a folder that is empty or was a cache_dir before, and that belongs to the server's user."),
		event("cache_file_damaged", "warn", "A file in cache_dir is damaged. It counts as none, and is removed; other records of this kind follow once a minute at most.", "path error damaged", "After a loss of power nothing; else check the disk."),
		event("cache_file_unreadable", "warn", "A file in cache_dir cannot be read. It counts as none.", "path error", "For 'too many open files' raise the limit (LimitNOFILE); else check the disk."),
		event("static", "info", "The folders of files that the app declares: those that are served without it, and those that only the app serves.", "app served refused", "`refused` gives the reason for each folder that only the app serves; see static.md."),
		event("static_cut", "warn", "A file changed while it was sent; the response was cut off.", "app id target dir name error", "Replace files by renaming; do not write into them."),
		event("static_folder", "warn", "A static folder cannot be entered; no file of it is served.", "dir", "Give the server's user access to the folder and the folders above it, or make the folder."),
		event("static_link_refused", "warn", "A symbolic link that leads out of a static folder was not followed.", "dir name", "Put the file into the folder, or set follow_symlinks."),
		event("static_trouble", "warn", "Static files that a framework declares cannot be served, or only some of them.", "app url dir declared_by traceback", "The record says what is missing. Name the folder yourself: --static /URL=DIR."),
		event("static_unreadable", "warn", "A static file cannot be read; the client got 403, 404, 500, or 503 when no descriptor was free.", "app dir name error", "Give the server's user access to the file; for 'too many open files' raise the limit (LimitNOFILE)."),
	}
}
