// Command delayed is an upstream for the benchmark: at each address it answers hello, after a time of its own.
//
//	delayed 127.0.0.1:9001=2ms 127.0.0.1:9002=20ms
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	failed := make(chan error)
	for _, arg := range os.Args[1:] {
		address, text, _ := strings.Cut(arg, "=")
		delay, err := time.ParseDuration(text)
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			failed <- http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				time.Sleep(delay)
				_, _ = io.WriteString(w, "hello")
			}))
		}()
	}
	if len(os.Args) > 1 {
		log.Fatal(<-failed) // they serve until the process is ended
	}
	fmt.Fprintln(os.Stderr, "usage: delayed ADDRESS=DURATION ...")
}
