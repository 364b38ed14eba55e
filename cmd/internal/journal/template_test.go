package journal

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/supervisor"
	"github.com/standpipe/standpipe/supervisor/process"
)

func TestTemplateExit(t *testing.T) {
	who := supervisor.Who{App: "shop", Worker: "shop/template", Pid: 4121, Generation: 7}
	for name, c := range map[string]struct {
		exit supervisor.TemplateExit
		want []string
	}{
		"killed from outside": {
			supervisor.TemplateExit{Who: who, Exit: process.Exit{Code: -1, Signal: 9, SignalName: "SIGKILL"}, Forks: 8},
			[]string{"[ERROR] template_exit:", "worker=shop/template", "pid=4121", "gen=7", "cause=signal:9", "outside (not standpipe)", "reason=none", "forks=8"},
		},
		"reload": {supervisor.TemplateExit{Who: who, Reason: supervisor.Reload}, []string{"[DEBUG] template_exit:", "cause=exit:0", "reason=reload"}},
		"stop":   {supervisor.TemplateExit{Who: who, Reason: supervisor.Shutdown}, []string{"[DEBUG] template_exit:"}},
		"boot":   {supervisor.TemplateExit{Who: who, Reason: supervisor.BootFailed, Exit: process.Exit{Code: 3}}, []string{"[INFO]  template_exit:", "cause=exit:3"}},
		"lie": {
			supervisor.TemplateExit{Who: who, Reason: supervisor.ProtocolError, Err: errors.New("no child"), Ours: true, Exit: process.Exit{Code: -1, Signal: 9, SignalName: "SIGKILL"}},
			[]string{"[ERROR] template_exit:", "sender=standpipe", `error="no child"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			New(hclog.New(&hclog.LoggerOptions{Output: &b, Level: hclog.Debug})).Event(c.exit)
			for _, want := range c.want {
				if !strings.Contains(b.String(), want) {
					t.Errorf("%q lacks %q", b.String(), want)
				}
			}
		})
	}
}
