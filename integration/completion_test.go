package integration

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Each shell itself completes command lines by the script that it is given.
func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line  string
		some  []string // are offered
		never string
	}{
		{"standpipe ser", []string{"serve"}, "stop"},
		{"standpipe ", []string{"serve", "check", "certs", "help"}, "__page"},
		{"standpipe help exp", []string{"explain", "export"}, "serve"},
		{"standpipe serve --log-", []string{"--log-level", "--log-format"}, "--workers"},
		{"standpipe serve --log-level ", []string{"debug", "warn"}, "--log-level"},
		{"standpipe serve -w 4 --preload=o", []string{"on", "off"}, "serve"},
		{"standpipe export ng", []string{"nginx"}, "apache"},
		{"standpipe log-level ", []string{"trace", "warn"}, "app.py"},
		{"standpipe deny l", []string{"list"}, "app.py"},
		{"standpipe certs ", []string{"renew", "trust", "untrust"}, "app.py"},
		{"standpipe explain worker_", []string{"worker_exit"}, "queue_full"},
		{"standpipe explain worker_exit w", nil, "worker_exit"},
		{"standpipe status --j", []string{"--json"}, "--control"},
		{"standpipe serve app.", []string{"app.py"}, "serve"}, // files
	} {
		for shell, script := range map[string]string{
			"bash": `source <(standpipe completion bash)
COMP_LINE=$1 COMP_POINT=${#1}; read -ra COMP_WORDS <<<"$1"; compopt() { files=1; }
_standpipe; ((files)) && COMPREPLY=($(compgen -f -- "${1##* }")); printf '%s\n' "${COMPREPLY[@]}"`,
			"zsh": `compdef() { :; }
source <(standpipe completion zsh)
_describe() { print -l -- ${${${(P)3}/%:/!}%%:*}; }
_files() { print -l -- *(N); }
words=(${(z)1}); [[ $1 == *' ' ]] && words+=(''); CURRENT=$#words; _standpipe`,
			"fish": `standpipe completion fish | source; complete -C $argv[1]`,
		} {
			t.Run(shell+"/"+c.line, func(t *testing.T) {
				t.Parallel()
				if _, err := exec.LookPath(shell); err != nil {
					skip(t, "no-program", shell)
				}
				args := map[string][]string{"bash": {"--norc", "-c", script, "bash", c.line}, "zsh": {"-f", "-c", script, "zsh", c.line}, "fish": {"--no-config", "-c", script, c.line}}[shell]
				cmd := exec.Command(shell, args...)
				cmd.Dir = project(t, map[string]string{"app.py": hello("x")})
				cmd.Env = append(cleanEnv(t), "PATH="+filepath.Dir(named(t))+":"+built.path)
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				var words []string
				for line := range strings.Lines(string(out)) {
					word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
					words = append(words, word[strings.LastIndexByte(word, '=')+1:])
				}
				for _, want := range c.some {
					if !slices.Contains(words, want) {
						t.Errorf("%s is not offered: %q", want, words)
					}
				}
				if slices.Contains(words, c.never) {
					t.Errorf("%s is offered: %q", c.never, words)
				}
			})
		}
	}
	if r := run(t, t.TempDir(), nil, "completion", "tcsh"); r.code != 2 || !r.names("bash", "zsh", "fish") {
		t.Errorf("%+v", r)
	}
}

// named is the program under the name that users type.
func named(t *testing.T) string {
	t.Helper()
	if filepath.Base(built.binary) == "standpipe" {
		return built.binary
	}
	link := filepath.Join(t.TempDir(), "standpipe")
	if err := exec.Command("ln", "-s", built.binary, link).Run(); err != nil {
		t.Fatal(err)
	}
	return link
}
