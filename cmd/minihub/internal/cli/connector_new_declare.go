package cli

import (
	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/connectors/external"
)

func (r *root) connectorDeclareCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "declare NAME -- COMMAND [ARGUMENT...]",
		Short: "Ask a program what it declares and print connectors/NAME.yaml",
		Long: "Starts the command in the deployment's directory (-c), asks what it declares, ends it, and prints the description\n" +
			"that a hub reads. Look at what changes before it takes the place of an older one: flows stand on it.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return r.bad(text.DeclareNone)
			}
			src, err := external.Declare(cmd.Context(), r.dir, args[0], args[1:])
			if err != nil {
				return r.bad(text.DeclareFailed, err.Error())
			}
			if r.json {
				return r.printJSON(map[string]any{"ok": true, "file": "connectors/" + args[0] + ".yaml", "yaml": string(src)})
			}
			_, err = r.std.Out.Write(src)
			return err
		},
	}
}
