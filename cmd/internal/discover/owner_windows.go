package discover

func ownersAlike(string, string) bool { return true }
