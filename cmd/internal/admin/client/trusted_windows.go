package client

func trusted(string) bool { return true }
