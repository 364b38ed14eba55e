package integration

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// A change of the configuration while the code of one app hangs in its import: each app is reloaded for each change, and then no more.
func TestDevReloadsEnd(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{
		"shop/app.py": hello("shop"), "blog/blog.py": hello("blog"),
		"standpipe.toml": "[[app]]\nname = \"shop\"\ndir = \"shop\"\nmodule = \"app:app\"\n[[app]]\nname = \"blog\"\ndir = \"blog\"\nmodule = \"blog:app\"\nmount = \"/blog\"\n",
	})
	s := startDev(t, opts{Dir: dir})
	generations := func() (shop, blog int) {
		var st struct {
			Apps []struct {
				Name       string
				Generation int
				Processes  []struct{ Generation int }
			}
		}
		if err := json.Unmarshal([]byte(s.must("status", "--json")), &st); err != nil || len(st.Apps) != 2 {
			t.Fatal(err, st)
		}
		newest := func(i int) int {
			n := st.Apps[i].Generation
			for _, p := range st.Apps[i].Processes {
				n = max(n, p.Generation)
			}
			return n
		}
		return newest(0), newest(1)
	}
	config := filepath.Join(dir, "standpipe.toml")
	hangs := func(n int) {
		write(t, dir, map[string]string{"shop/app.py": hello("shop") + fmt.Sprintf("import time\ntime.sleep(%d)\n", 1000+n)})
		time.Sleep(300 * time.Millisecond) // its reload is under way
	}
	for round := range 3 {
		hangs(10 * round)
		save(t, config, fmt.Sprintf("[[app]]\nname = \"shop\"\ndir = \"shop\"\nmodule = \"app:app\"\nenv = { ROUND = \"%d\" }\n[[app]]\nname = \"blog\"\ndir = \"blog\"\nmodule = \"blog:app\"\nmount = \"/blog\"\n", round), 0)
		time.Sleep(300 * time.Millisecond)
		hangs(10*round + 1)
	}
	was := [2]int{}
	eventually(t, "each change has had its reload", func() bool {
		time.Sleep(2 * time.Second) // between two looks
		shop, blog := generations()
		before := was
		was = [2]int{shop, blog}
		return was == before
	})
	if was[0] > 40 || was[1] > 40 {
		t.Errorf("generations %v", was)
	}
	write(t, dir, map[string]string{"shop/app.py": hello("fixed")})
	if r := s.want(200, "/"); r.Body != "fixed" {
		t.Errorf("%q after the code was fixed", r.Body)
	}
	if r := s.want(200, "/blog"); r.Body != "blog" {
		t.Errorf("%q of the other app", r.Body)
	}
}
