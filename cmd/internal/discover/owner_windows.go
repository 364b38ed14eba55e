package discover

func sameOwner(string, string) bool { return true }
