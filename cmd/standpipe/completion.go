package main

import (
	"io"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/cli"
)

const completionText = `The script makes the shell complete commands, flags and their values:

   source <(standpipe completion bash)          # in ~/.bashrc
   source <(standpipe completion zsh)           # in ~/.zshrc, after compinit
   standpipe completion fish | source           # in ~/.config/fish/config.fish`

func completionCommand() *cli.Command {
	return &cli.Command{Name: "completion", Usage: "print the completion script of a shell: " + strings.Join(cli.Shells, ", "), Category: forReading,
		ArgsUsage: strings.Join(cli.Shells, "|"), Description: completionText, Most: 1, Extra: "only one shell is allowed", Action: printCompletion}
}

func printCompletion(c *cli.Context) error {
	if !slices.Contains(cli.Shells, c.Arg(0)) {
		return cli.UsageError("completion needs one of %s", strings.Join(cli.Shells, ", "))
	}
	_, err := io.WriteString(c.App.Out, cli.CompletionScript(c.Arg(0)))
	return err
}
