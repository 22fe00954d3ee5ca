package cli

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/newconnector"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
)

// goVersion is what a new go.mod asks for: the version that minihub's own does.
const goVersion = "1.26"

func (r *root) connectorNewCommand() *cobra.Command {
	opt := newconnector.Options{Go: goVersion}
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Write the start of a connector in Go",
		Long: "Writes connectors/NAME with a strict simulator beside it, mappings/NAME, schemas/vendors/NAME and a conformance test,\n" +
			"all of which pass as they are; the protocol in them is invented and stands in for the vendor's.\n\n" +
			"In a checkout of minihub the connector becomes a built-in one. Anywhere else it is private: a module of its own, and\n" +
			"a program that a hub starts. Nothing is ever written over.",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			opt.Name = args[0]
			made, err := newconnector.Generate(opt)
			if err != nil {
				return r.newError(opt, err)
			}
			if r.json {
				return r.printJSON(map[string]any{"ok": true, "connector": made})
			}
			r.newSteps(opt, made)
			return nil
		},
	}
	cmd.Flags().StringVar(&opt.Dir, "dir", ".", "the root of a module; a folder without go.mod becomes the module of a private connector")
	cmd.Flags().StringVar(&opt.Module, "module", "", "path of the module for a new go.mod; example.com/NAME if left out")
	cmd.Flags().StringVar(&opt.Minihub, "minihub", "", "a checkout of minihub for a new go.mod to use, in place of a released version")
	return cmd
}

// newError says what is wrong with the input in the caller's language.
func (r *root) newError(opt newconnector.Options, err error) error {
	var name *newconnector.NameError
	var exists *newconnector.ExistsError
	var module *newconnector.ModuleError
	var file *fs.PathError
	switch {
	case errors.As(err, &name):
		return r.bad(map[newconnector.Why]text.ID{newconnector.BadForm: text.NewBadForm, newconnector.Reserved: text.NewReserved,
			newconnector.SimName: text.NewSimName}[name.Why], name.Name)
	case errors.As(err, &exists):
		return r.bad(text.NewExists, exists.Path)
	case errors.As(err, &module):
		return r.bad(text.NewModule, module.Error())
	case errors.As(err, &file) && file.Path == opt.Dir:
		return r.bad(text.NewNoDir, opt.Dir, opt.Dir)
	case errors.As(err, &file) && opt.Minihub != "" && strings.HasSuffix(file.Path, "go.mod") && file.Op == "open":
		return r.bad(text.NewNoCheckout, file.Error())
	}
	return err
}

func (r *root) newSteps(opt newconnector.Options, made *newconnector.Result) {
	n := made.Name
	r.say(text.NewDone, n, len(made.Files), made.Dir)
	for _, f := range made.Files {
		r.say(text.NewFile, f)
	}
	r.say(text.NewNext)
	switch {
	case made.Private && opt.Minihub == "":
		r.say(text.NewGet, newconnector.Module)
	case made.Private:
		r.say(text.NewTidy)
	}
	r.say(text.NewTest, n)
	r.say(text.NewEdit, n)
	if made.Private {
		r.say(text.NewBuild, n, n)
		r.say(text.NewDeclare, n, n, n)
		r.say(text.NewConnection, n, n, n)
	} else {
		r.say(text.NewBuiltin, n)
		r.say(text.NewSims, n)
	}
	r.say(text.NewGuide)
}
