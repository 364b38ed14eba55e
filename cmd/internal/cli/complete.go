package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// candidate is one way to continue a command line.
type candidate struct{ word, usage string }

// Complete writes how the last word of a command line can be completed: a word a line, a tab and what it is for. words
// begins after the program's name, and its last one is what was typed so far, perhaps "". Without candidates the shell
// offers files.
func (a *App) Complete(w io.Writer, words []string) error {
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	var b strings.Builder
	for _, c := range a.candidates(words[:len(words)-1], last) {
		if strings.HasPrefix(c.word, last) {
			fmt.Fprintf(&b, "%s\t%s\n", c.word, c.usage)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (a *App) candidates(before []string, last string) []candidate {
	if len(before) == 0 || len(before) == 1 && before[0] == "help" {
		var out []candidate
		for _, c := range a.Commands {
			out = append(out, candidate{c.Name, c.Usage})
		}
		if len(before) == 0 {
			out = append(out, candidate{"help", "say more about a command or a topic"})
		} else if a.Topics != nil {
			for _, name := range a.Topics.Names {
				out = append(out, candidate{name, ""})
			}
		}
		return out
	}
	c := a.command(before[0])
	if c == nil || slices.Contains(before, "--") {
		return nil
	}
	if name, _, has := strings.Cut(last, "="); has && strings.HasPrefix(name, "--") {
		var out []candidate
		for _, v := range c.find(name[2:]).values() {
			out = append(out, candidate{name + "=" + v, ""})
		}
		return out
	}
	if strings.HasPrefix(last, "-") {
		return c.flagCandidates()
	}
	if f := c.find(strings.TrimLeft(before[len(before)-1], "-")); f != nil && strings.HasPrefix(before[len(before)-1], "-") && !f.Switch {
		var out []candidate
		for _, v := range f.values() {
			out = append(out, candidate{v, ""})
		}
		return out
	}
	if len(before) > 1 {
		return nil
	}
	var out []candidate
	for _, v := range c.words() {
		out = append(out, candidate{v, ""})
	}
	return out
}

// words are what the first argument may be: Words, and those of ArgsUsage that are not names of something: "nginx|apache FILE",
// "ADDRESS or list".
func (c *Command) words() (out []string) {
	if c.Words != nil {
		out = c.Words()
	}
	for v := range strings.SplitSeq(strings.ReplaceAll(strings.Trim(c.ArgsUsage, "[]"), " or ", "|"), "|") {
		if first, _, _ := strings.Cut(strings.TrimSpace(v), " "); first != "" && first == strings.ToLower(first) {
			out = append(out, first)
		}
	}
	return out
}

func (c *Command) flagCandidates() []candidate {
	var out []candidate
	for _, f := range c.flags() {
		usage := f.Usage
		if f.setting != nil {
			usage = summary(f.setting)
		}
		out = append(out, candidate{"--" + f.Name, strings.Join(strings.Fields(usage), " ")})
	}
	return append(out, candidate{"--help", "show this help"})
}

// values are the values of a flag that has few.
func (f *Flag) values() []string {
	switch {
	case f == nil:
		return nil
	case f.setting != nil && f.setting.Kind == schema.Choice:
		return f.setting.Choices
	case f.Switch:
		return []string{"on", "off"}
	case strings.Contains(f.Hint, "|"):
		return strings.Split(f.Hint, "|")
	}
	return nil
}

// Shells are the shells with completion.
var Shells = []string{"bash", "zsh", "fish"}

// CompletionScript is what a shell reads once; empty: the shell is unknown. It asks `standpipe __complete WORD...`.
func CompletionScript(shell string) string {
	switch shell {
	case "bash":
		return bashScript
	case "zsh":
		return zshScript
	case "fish":
		return fishScript
	}
	return ""
}

// bash cuts words at = and :, which COMP_WORDS shows and which must not be in a reply: the words are cut at blanks here.
const bashScript = `# bash completion of standpipe: source <(standpipe completion bash)
_standpipe() {
    local line=${COMP_LINE:0:COMP_POINT} words=() last word
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    last=${words[${#words[@]} - 1]} # [-1] is new in bash 4.3; macOS has 3.2
    COMPREPLY=()
    while IFS=$'\t' read -r word _; do
        COMPREPLY+=("$word")
    done < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)
    if ((${#COMPREPLY[@]} == 0)); then
        compopt -o default 2>/dev/null
        return
    fi
    local cut=${last%"${last##*[=:]}"}
    ((${#cut})) && COMPREPLY=("${COMPREPLY[@]#"$cut"}")
    return 0
}
complete -F _standpipe standpipe
`

const zshScript = `#compdef standpipe
# zsh completion of standpipe: source <(standpipe completion zsh), or this file as _standpipe in a folder of $fpath
_standpipe() {
    local -a lines described
    lines=("${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    local line
    for line in $lines; do
        [[ -n $line ]] || continue
        [[ $line == *$'\t'?* ]] && described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") || described+=("${${line%%$'\t'*}//:/\\:}")
    done
    if (( $#described )); then
        _describe -V standpipe described
    else
        _files
    fi
}
if [[ $funcstack[1] == _standpipe ]]; then
    _standpipe "$@"
else
    compdef _standpipe standpipe
fi
`

const fishScript = `# fish completion of standpipe: standpipe completion fish | source
function __standpipe_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] __complete $words[2..-1] 2>/dev/null
end
complete -c standpipe -f -a '(__standpipe_complete)'
complete -c standpipe -F -n 'test -z "$(__standpipe_complete)"'
`
