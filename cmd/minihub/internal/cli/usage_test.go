package cli

import (
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/connectors/builtin"
)

// Every command and flag of ours has its Chinese, so that a new one is not forgotten.
func TestEveryCommandAndFlagSpeaksChinese(t *testing.T) {
	registry, err := builtin.Registry()
	if err != nil {
		t.Fatal(err)
	}
	r := &root{registry: registry, texts: text.In("zh_CN.UTF-8")}
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if !chinese(cmd.Short) {
			t.Errorf("%s: %q has no Chinese in package text, help.go", cmd.CommandPath(), cmd.Short)
		}
		if cmd.Name() == "completion" || cmd.Name() == "help" {
			return // cobra's own
		}
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" && !chinese(f.Usage) {
				t.Errorf("%s --%s: %q has no Chinese in package text, help.go", cmd.CommandPath(), f.Name, f.Usage)
			}
		})
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk(r.command())
}

func chinese(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}
