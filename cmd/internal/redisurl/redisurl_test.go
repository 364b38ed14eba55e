package redisurl

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Server{
		"redis://10.0.0.5":                          {Network: "tcp", Address: "10.0.0.5:6379"},
		"redis://:secret@host:1/2":                  {Network: "tcp", Address: "host:1", Password: "secret", DB: 2},
		"rediss://app:se%2Fcret%40@[::1]:1":         {Network: "tcp", Address: "[::1]:1", User: "app", Password: "se/cret@", TLS: true},
		"valkeys://host?db=3":                       {Network: "tcp", Address: "host:6379", DB: 3, TLS: true},
		"unix:///run/redis.sock":                    {Network: "unix", Address: "/run/redis.sock"},
		"unix://app:secret@/run/redis.sock?db=4":    {Network: "unix", Address: "/run/redis.sock", User: "app", Password: "secret", DB: 4},
		"redis+unix://:secret@/run/redis.sock?db=0": {Network: "unix", Address: "/run/redis.sock", Password: "secret"},
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%s: %+v %v", text, got, err)
		}
	}
	for text, word := range map[string]string{
		"redis://secret@host": "no password", "redis://:secret@a:1,b:2": "clusters", "redis-sentinel://:secret@a/mymaster": "sentinels",
		"redis+cluster://a": "clusters", "redis://:sec/ret@host": "no URL", "redis://:secret@host/x": "number", "redis://host/-1": "number", "unix://run/redis.sock": "absolute",
		"http://host": "no URL", "host:6379": "no URL", "redis://": "no host", "redis://:secret@a..b": "looked up", "redis://:secret@a:0": "port", "rediss://:secret@0[0": "no URL", "redis://host?addr=b": "parameter", "": "no URL",
	} {
		if got, err := Parse(text); err == nil || !strings.Contains(err.Error(), word) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %+v %v", text, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("redis://user:password@host:1/2")
	f.Add("unix:///a?db=1")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := Parse(text); err == nil && (s.Address == "" || s.DB < 0) {
			t.Errorf("%q: %+v", text, s)
		}
	})
}
