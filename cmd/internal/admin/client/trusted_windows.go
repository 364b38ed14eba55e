package client

import (
	"context"
	"os"
)

func trusted(string) bool { return true }

func owners(context.Context, string) []int { return []int{os.Getuid()} }
