package integration

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// smaller is a picture in at most 256 colours, those that it has most of: pages have few, but for the edges of letters.
func smaller(t *testing.T, b []byte) []byte {
	t.Helper()
	from, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	type counted struct {
		color color.NRGBA
		n     int
	}
	counts := map[color.NRGBA]int{}
	area := from.Bounds()
	at := func(x, y int) color.NRGBA { return color.NRGBAModel.Convert(from.At(x, y)).(color.NRGBA) }
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			counts[at(x, y)]++
		}
	}
	var list []counted
	for c, n := range counts {
		list = append(list, counted{c, n})
	}
	slices.SortFunc(list, func(a, b counted) int { return cmp.Or(b.n-a.n, cmp.Compare(fmt.Sprint(a.color), fmt.Sprint(b.color))) })
	var palette color.Palette
	for _, c := range list[:min(256, len(list))] {
		palette = append(palette, c.color)
	}
	nearest := make(map[color.NRGBA]uint8, len(list))
	for _, c := range list {
		nearest[c.color] = uint8(palette.Index(c.color))
	}
	to := image.NewPaletted(area, palette)
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			to.SetColorIndex(x, y, nearest[at(x, y)])
		}
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, to); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Pictures of the dashboard of a site that is busy. `make pictures` sets STANDPIPE_PICTURES to a time: the site of apps/busy_site runs for so long,
// and the pictures are those of docs/pictures; or to a link of `standpipe dashboard`, for a site that runs already. Without it they are taken after
// some seconds, and thrown away.
func TestPicturesOfTheDashboard(t *testing.T) {
	t.Parallel()
	browser(t)
	text, folder := os.Getenv("STANDPIPE_PICTURES"), filepath.Join(repoDir(), "docs", "pictures")
	if text == "" {
		folder = t.TempDir()
	}
	if strings.HasPrefix(text, "http://") {
		b := newTab(t)
		b.open(text)
		takePictures(t, b, folder)
		return
	}
	wait, err := time.ParseDuration(cmp.Or(text, "12s"))
	if err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(2 * time.Millisecond) }))
	defer upstream.Close()
	site := appDir(t, "busy_site")
	toml, err := os.ReadFile(filepath.Join(site, "standpipe.toml"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"standpipe.toml": strings.ReplaceAll(string(toml), "{upstream}", strings.TrimPrefix(upstream.URL, "http://")), "files/hose.txt": "hose\n"}
	for _, name := range []string{"shop.py", "api.py"} {
		b, err := os.ReadFile(filepath.Join(site, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(b)
	}
	s := start(t, opts{Dir: project(t, files), Bare: true, Apps: 2, HTTP1: true, Env: []string{"HOME=" + t.TempDir()}, Args: []string{"-c", "standpipe.toml", "-b", "127.0.0.1:0", "--python", python(t), "--log-format", "json", "--dashboard", "127.0.0.1:0", "--dashboard-token", dashToken}})
	load := exec.Command(python(t), "-B", filepath.Join(site, "load.py"), s.Addr)
	load.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := load.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = load.Process.Kill(); _ = load.Wait() }()
	for i := range 4 { // a reload now and then
		select {
		case <-s.done:
			t.Fatal("the server has ended")
		case <-time.After(wait / 4):
		}
		if i == 1 {
			s.must("reload", "shop")
		}
	}
	takePictures(t, dashboardTab(t, s), folder)
}

// takePictures takes the pictures of a dashboard that a tab shows, into a folder.
func takePictures(t *testing.T, b *tab, folder string) {
	t.Helper()
	b.until(`document.querySelector("#plots path.line").getAttribute("d").length > 9 && document.querySelector("#timeline .mark")`)
	for name, c := range map[string]struct {
		width, height int
		scheme        string
		before        string
	}{
		"dashboard-light": {1280, 1250, "light", `scrollTo(0, 0)`},
		"dashboard-dark":  {1280, 1000, "dark", `scrollTo(0, document.querySelector("#hour").offsetTop - 64); [...document.querySelectorAll("#timeline .mark")].slice(0, 2).at(-1).focus()`},
		"dashboard-phone": {360, 760, "light", `scrollTo(0, document.querySelector("#now").offsetTop - 10)`},
	} {
		b.js(`document.activeElement.blur()`, nil)
		b.size(c.width, c.height, c.scheme)
		b.until(fmt.Sprintf(`innerWidth === %d && matchMedia("(prefers-color-scheme: %s)").matches`, c.width, c.scheme))
		b.js(`new Promise(done => setTimeout(done, 1500))`, nil) // the plots fit the new width with the next event
		b.js(c.before, nil)
		b.js(`new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))`, nil)
		taken := smaller(t, b.picture())
		if size, err := png.DecodeConfig(bytes.NewReader(taken)); err != nil || size.Width != c.width || size.Height != c.height || len(taken) > 150<<10 || len(taken) < 10<<10 {
			t.Errorf("%s: %+v, %d bytes, %v", name, size, len(taken), err)
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name+".png"), taken, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b.quiet("the pictures")
}

// The pictures of the pages are small.
func TestPicturesAreSmall(t *testing.T) {
	t.Parallel()
	list, err := filepath.Glob(filepath.Join(repoDir(), "docs", "pictures", "*.png"))
	if err != nil || len(list) < 3 {
		t.Fatalf("%q, %v", list, err)
	}
	for _, name := range list {
		if st, err := os.Stat(name); err != nil || st.Size() > 150<<10 {
			t.Errorf("%s: %v, %v", name, st, err)
		}
	}
}
