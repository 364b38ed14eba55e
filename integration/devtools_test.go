package integration

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// tab is one tab of a headless Chromium, driven by the DevTools protocol over a pipe: messages of JSON that end with NUL.
type tab struct {
	t       testing.TB
	to      *os.File
	session string

	mu      sync.Mutex
	id      int
	waiting map[int]chan devtoolsMessage
	console []string // errors, warnings and exceptions of pages, violations of a policy among them
	gone    chan struct{}
}

// devtoolsMessage is an answer or an event.
type devtoolsMessage struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// newTab starts a browser with a profile of its own; it ends with the test. flags are more of the program's.
func newTab(t testing.TB, flags ...string) *tab {
	t.Helper()
	inR, inW := pipe(t)
	outR, outW := pipe(t)
	cmd := exec.Command(browser(t), append(flags, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--user-data-dir="+profile(t), "--remote-debugging-pipe", "about:blank")...)
	cmd.Env = append(cleanEnv(t), "DBUS_SESSION_BUS_ADDRESS=disabled:")
	cmd.ExtraFiles = []*os.File{inR, outW}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	inR.Close()
	outW.Close()
	b := &tab{t: t, to: inW, waiting: map[int]chan devtoolsMessage{}, gone: make(chan struct{})}
	go b.read(outR) // ends with the browser
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its helpers, too
		_ = cmd.Wait()
		<-b.gone
		inW.Close()
		outR.Close()
	})
	var target struct {
		TargetID string `json:"targetId"`
	}
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct {
		SessionID string `json:"sessionId"`
	}
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

func (b *tab) read(from *os.File) {
	defer close(b.gone)
	for r := bufio.NewReaderSize(from, 1<<20); ; {
		text, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m devtoolsMessage
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		if wait := b.waiting[m.ID]; wait != nil {
			delete(b.waiting, m.ID)
			wait <- m
		}
		b.listen(&m)
		b.mu.Unlock()
	}
}

// listen keeps what the console gets; mu is held.
func (b *tab) listen(m *devtoolsMessage) {
	var p struct {
		Type  string
		Entry struct{ Level, Text, URL string }
	}
	_ = json.Unmarshal(m.Params, &p)
	switch m.Method {
	case "Runtime.exceptionThrown":
	case "Runtime.consoleAPICalled":
		if p.Type != "error" && p.Type != "warning" && p.Type != "assert" {
			return
		}
	case "Log.entryAdded":
		if p.Entry.Level != "error" && p.Entry.Level != "warning" {
			return
		}
	default:
		return
	}
	b.console = append(b.console, string(m.Params))
}

// said is what the console got since the last call.
func (b *tab) said() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.console
	b.console = nil
	return list
}

// heard waits until the console has got something, and takes it: the browser writes about a status at a moment of its own.
func (b *tab) heard(what string) (list []string) {
	b.t.Helper()
	eventually(b.t, "the console has "+what, func() bool { list = append(list, b.said()...); return len(list) > 0 })
	return list
}

// call calls a method of the protocol; into may be nil.
func (b *tab) call(method string, params, into any) {
	b.t.Helper()
	if err := b.try(method, params, into); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
}

func (b *tab) try(method string, params, into any) error {
	wait := make(chan devtoolsMessage, 1)
	b.mu.Lock()
	b.id++
	id := b.id
	b.waiting[id] = wait
	b.mu.Unlock()
	message := map[string]any{"id": id, "method": method}
	if params != nil {
		message["params"] = params
	}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	if _, err := b.to.Write(append(text, 0)); err != nil {
		return err
	}
	select {
	case m := <-wait:
		if m.Error != nil {
			return errors.New(m.Error.Message)
		}
		if into == nil {
			return nil
		}
		return json.Unmarshal(m.Result, into)
	case <-b.gone:
		return errors.New("the browser has ended")
	case <-time.After(patience):
		return errors.New("no answer")
	}
}

// open goes to a page and waits until it is loaded.
func (b *tab) open(url string) {
	b.t.Helper()
	var went struct {
		ErrorText string `json:"errorText"`
	}
	b.call("Page.navigate", map[string]any{"url": url}, &went)
	if went.ErrorText != "" {
		b.t.Fatalf("%s: %s", url, went.ErrorText)
	}
	b.until(`document.readyState === "complete" && location.href !== "about:blank"`)
}

// run evaluates JavaScript, and waits for a promise.
func (b *tab) run(expression string, into any) error {
	var r struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		ExceptionDetails *struct {
			Text      string `json:"text"`
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	if err := b.try("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true}, &r); err != nil {
		return err
	}
	if r.ExceptionDetails != nil {
		return fmt.Errorf("%s %s", r.ExceptionDetails.Text, r.ExceptionDetails.Exception.Description)
	}
	if into == nil || r.Result.Value == nil {
		return nil
	}
	return json.Unmarshal(r.Result.Value, into)
}

// js is run; an exception fails the test.
func (b *tab) js(expression string, into any) {
	b.t.Helper()
	if err := b.run(expression, into); err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
}

// text is a string that JavaScript returns.
func (b *tab) text(expression string) (s string) {
	b.t.Helper()
	b.js(expression, &s)
	return s
}

// until waits until a condition of JavaScript holds. A page that goes is no failure.
func (b *tab) until(condition string) {
	b.t.Helper()
	var last error
	for deadline := time.Now().Add(patience); ; pause() {
		var ok bool
		if last = b.run("!!("+condition+")", &ok); ok && last == nil {
			return
		}
		if time.Now().After(deadline) {
			var page string
			_ = b.run("location.href + '\\n' + document.body.innerText.slice(0, 1500)", &page)
			b.t.Fatalf("not within %v: %s (%v)\nthe page: %s\nthe console: %q", patience, condition, last, page, b.said())
		}
	}
}

// press types a key, such as "Tab", "Enter" or "ArrowLeft".
func (b *tab) press(key string) {
	b.t.Helper()
	codes := map[string]int{"Tab": 9, "Enter": 13, "Escape": 27, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowRight": 39, "/": 191}
	down := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
	switch key {
	case "Enter":
		down["text"] = "\r"
	case "/":
		down["text"], down["code"] = "/", "Slash"
	}
	b.call("Input.dispatchKeyEvent", down, nil)
	b.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": codes[key]}, nil)
}

// point moves the mouse to the middle of the element that a selector finds, and clicks when click is set.
func (b *tab) point(selector string, click bool) {
	b.t.Helper()
	var at struct{ X, Y float64 }
	b.js(fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.scrollIntoView({block: "center"}); const r = e.getBoundingClientRect(); return {X: r.x + r.width/2, Y: r.y + r.height/2} })()`, selector), &at)
	b.call("Input.dispatchMouseEvent", map[string]any{"type": "mouseMoved", "x": at.X, "y": at.Y}, nil)
	if click {
		for _, kind := range []string{"mousePressed", "mouseReleased"} {
			b.call("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": at.X, "y": at.Y, "button": "left", "clickCount": 1}, nil)
		}
	}
}

// hover moves the mouse to an element, which may move, until a condition holds.
func (b *tab) hover(selector, condition string) {
	b.t.Helper()
	eventually(b.t, condition, func() bool {
		b.point(selector, false)
		var ok bool
		return b.run("!!("+condition+")", &ok) == nil && ok
	})
}

// size sets the size of the page in pixels, and what the system prefers: "light" or "dark".
func (b *tab) size(width, height int, scheme string) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}}}, nil)
}

// picture is what the tab shows, as PNG.
func (b *tab) picture() []byte {
	b.t.Helper()
	var shot struct {
		Data string `json:"data"`
	}
	b.call("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	return png
}
