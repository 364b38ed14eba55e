package top

import (
	"fmt"
	"strconv"

	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/top/screen"
)

// prompt is a question: first the menu, then a number where one is needed, then the confirmation.
type prompt struct {
	title   string
	choices []choice // the menu; none: it is the confirmation
	chosen  int
	asks    string // for a number; empty: it does not
	number  string
	act     choice // that is to be confirmed
}

// choice is something that can be done.
type choice struct {
	key   screen.Key
	text  string // "restart shop/3"
	warns string // what it does, in a sentence
	path  string
	order admin.Order
	done  string
	dump  string // a worker: its stacks are shown; nothing changes
	scale bool   // a number of workers is asked for
}

// asking is a Model that asks.
type asking struct{ m *Model }

// menu is what can be done with what is selected.
func (s selection) menu() *prompt {
	p := &prompt{title: "do"}
	if worker := s.worker(); worker != "" {
		p.choices = append(p.choices,
			choice{key: "r", text: "restart worker " + worker, warns: "A new process takes its place when it is ready; requests that run are finished first.", path: "/v1/restart", order: admin.Order{Worker: worker}, done: worker + ": replaced"},
			choice{key: "d", text: "show the stacks of " + worker, dump: worker})
	}
	if name := s.app(); name != "" {
		a := s.s.app(name)
		p.choices = append(p.choices,
			choice{key: "a", text: "restart app " + name, warns: "New code goes into force: a new generation of workers takes over when it is ready.", path: "/v1/restart", order: admin.Order{App: name}, done: name + ": the new generation serves"},
			choice{key: "s", text: fmt.Sprintf("scale app %s (%s)", name, several(a.Workers, "worker")), warns: "The number holds until the next reload that changes it.", path: "/v1/scale", order: admin.Order{App: name}, scale: true})
		if a.Paused {
			p.choices = append(p.choices, choice{key: "u", text: "resume app " + name, warns: "Requests that wait are served.", path: "/v1/resume", order: admin.Order{App: name}, done: name + ": requests are served"})
		} else {
			p.choices = append(p.choices, choice{key: "u", text: "pause app " + name, warns: "Requests wait in the queue until the app is resumed.", path: "/v1/pause", order: admin.Order{App: name}, done: name + ": requests wait until it is resumed"})
		}
	}
	p.choices = append(p.choices, choice{key: "l", text: "reload all apps and the configuration", warns: "Code and configuration are read again; what does not start changes nothing.", path: "/v1/reload", done: "reloaded: all apps serve"})
	return p
}

// answer takes a key for the prompt.
func (a asking) answer(key screen.Key) []Action {
	p := a.m.prompt
	switch {
	case key == "esc":
		a.m.prompt = nil
	case len(p.choices) > 0:
		return a.choose(key)
	case p.asks != "":
		a.number(key)
	case key == "y" || key == "Y":
		a.m.prompt = nil
		a.m.say(p.act.text+" …", false)
		return []Action{Order{p.act.path, p.act.order, p.act.done}}
	case key == "n" || key == "N" || key == "q" || key == "enter":
		a.m.prompt = nil
		a.m.say("nothing was done", false)
	}
	return nil
}

// choose takes a key for the menu.
func (a asking) choose(key screen.Key) []Action {
	p := a.m.prompt
	switch key {
	case "up", "k":
		p.chosen = max(p.chosen-1, 0)
		return nil
	case "down", "j":
		p.chosen = min(p.chosen+1, len(p.choices)-1)
		return nil
	case "q", "x":
		a.m.prompt = nil
		return nil
	case "enter":
		return a.begin(p.choices[p.chosen])
	}
	for _, c := range p.choices {
		if c.key == key {
			return a.begin(c)
		}
	}
	return nil
}

// begin asks for what is missing: a number, the confirmation.
func (a asking) begin(c choice) []Action {
	switch {
	case c.dump != "":
		a.m.prompt = nil
		a.m.detail = &detail{kind: "worker", key: c.dump}
		return a.m.dumps.ask(c.dump, a.m.now, true)
	case c.scale:
		a.m.prompt = &prompt{title: c.text, asks: "workers", act: c}
	default:
		a.m.prompt = &prompt{title: c.text + "?", act: c}
	}
	return nil
}

// number takes a key for the number of workers.
func (a asking) number(key screen.Key) {
	p := a.m.prompt
	if key != "enter" {
		if key == "backspace" || len(key) == 1 && key[0] >= '0' && key[0] <= '9' && len(p.number) < 4 {
			p.number = typed(p.number, key)
		}
		return
	}
	n, err := strconv.Atoi(p.number)
	if err != nil || n < 1 {
		a.m.prompt = nil
		a.m.say("nothing was done", false)
		return
	}
	c := p.act
	c.order.Workers = n
	c.text = fmt.Sprintf("scale app %s to %s", c.order.App, several(n, "worker"))
	c.done = fmt.Sprintf("%s: scaled to %s", c.order.App, several(n, "worker"))
	a.m.prompt = &prompt{title: c.text + "?", act: c}
}
