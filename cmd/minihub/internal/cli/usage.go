package cli

import (
	"errors"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/mappings/mapper"
)

// usageErrors are the ways in which cobra refuses a command line. It has no types for
// them, so they are known by their words; a test holds every one of them.
var usageErrors = []struct {
	words *regexp.Regexp
	id    text.ID
}{
	{regexp.MustCompile(`^unknown command "(.*?)" for`), text.UnknownCommand},
	{regexp.MustCompile(`^unknown flag: (.*)$`), text.UnknownFlag},
	{regexp.MustCompile(`^unknown shorthand flag: '.*?' in (.*)$`), text.UnknownFlag},
	{regexp.MustCompile(`^required flag\(s\) (.*) not set$`), text.MissingFlag},
	{regexp.MustCompile(`^flag needs an argument: (.*)$`), text.FlagWithout},
	{regexp.MustCompile(`^((?:accepts|requires) .*)$`), text.ArgumentCount},
}

var badFlagValue = regexp.MustCompile(`^invalid argument "(.*)" for "(.*?)" flag: `)

// usageError turns cobra's refusal of a command line into the caller's input, in the
// caller's language, with the nearest name and the way to the help.
func (r *root) usageError(cmd *cobra.Command, err error) error {
	var in inputError
	if errors.As(err, &in) {
		return err
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	said, hint := "", ""
	if m := badFlagValue.FindStringSubmatch(line); m != nil {
		said = r.texts.Say(text.BadFlagValue, m[2], m[1])
	}
	for _, u := range usageErrors {
		m := u.words.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		said = r.texts.Say(u.id, m[1])
		if n := mapper.Nearest(m[1], candidates(cmd, u.id)); n != "" {
			hint = r.texts.Say(text.DidYouMean, n)
		}
		break
	}
	if said == "" {
		return err
	}
	if hint == "" {
		hint = r.texts.Say(text.SeeHelp, cmd.CommandPath())
	}
	return badInput("%s (%s)", said, hint)
}

// candidates are the names that a misspelt one may have meant.
func candidates(cmd *cobra.Command, id text.ID) (names []string) {
	switch id {
	case text.UnknownCommand:
		for _, c := range cmd.Commands() {
			names = append(names, c.Name())
		}
	case text.UnknownFlag:
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	}
	return names
}

// group is a command that only holds others: alone it shows its help, and a name that
// it does not have is an error.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return errors.New(`unknown command "` + args[0] + `" for "` + cmd.CommandPath() + `"`)
	}
	return cmd
}

// localize gives commands, flags and the frame of the help the caller's language.
func (r *root) localize(cmd *cobra.Command) {
	path := strings.TrimPrefix(cmd.CommandPath(), "minihub ")
	if cmd.HasSubCommands() && !cmd.Runnable() && cmd.HasParent() {
		group(cmd)
	}
	if zh := r.texts.Help(path, cmd.Short); zh != cmd.Short {
		cmd.Short = zh
		if cmd.Long != "" {
			cmd.Long = zh + "\n\n" + cmd.Long
		}
	}
	flags := func(f *pflag.Flag) { f.Usage = r.texts.Help(path+" --"+f.Name, f.Usage) }
	cmd.LocalFlags().VisitAll(flags)
	cmd.SetUsageTemplate(r.usageTemplate())
	for _, c := range cmd.Commands() {
		r.localize(c)
	}
}

func (r *root) usageTemplate() string {
	frame := func(name, english string) string { return r.texts.Help("frame "+name, english) }
	return frame("usage", "Usage") + `:{{if not .HasAvailableSubCommands}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} [command]

` + frame("commands", "Commands") + `:{{range .Commands}}{{if (or .IsAvailableCommand (eq .Name "help"))}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

` + frame("flags", "Flags") + `:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

` + frame("global", "Global flags") + `:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableSubCommands}}

` + frame("more", "More about a command") + `: {{.CommandPath}} [command] --help{{end}}
`
}
