package cli

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/pipelines"
)

func (r *root) deliveriesCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "deliveries", Short: "Edit what is to be delivered"}
	cmd.AddCommand(r.editDeliveryCommand())
	return cmd
}

// editFlags are what both ways of editing take.
type editFlags struct {
	file     string
	check    bool
	revision int
	req      api.EditRequest
}

const editLong = "Without --file the document is printed, with personal values masked and its revision on the error stream. Change it in a\n" +
	"file and give that with --file; - reads the standard input. Where a mask is left alone the stored value stays, and the original\n" +
	"is kept. --check only says what is wrong and what would go out."

func (r *root) editMessageCommand() *cobra.Command {
	var f editFlags
	cmd := &cobra.Command{Use: "edit MESSAGE", Short: "Edit the source document of a parked message", Long: "Edits the source document of a parked message and maps it. " + editLong}
	r.edits(cmd, "messages", &f)
	cmd.Flags().BoolVar(&f.req.Original, "original", false, "map the message from its own document again")
	return cmd
}

func (r *root) editDeliveryCommand() *cobra.Command {
	var f editFlags
	cmd := &cobra.Command{Use: "edit DELIVERY", Short: "Edit the document of a parked delivery and send it", Long: "Edits the document of a parked or blocked delivery and sends it. " + editLong}
	r.edits(cmd, "deliveries", &f)
	cmd.Flags().BoolVar(&f.req.Confirm, "confirm", false, "yes, it may take effect twice at the target")
	return cmd
}

// edits makes a command that edits the rows of a kind.
func (r *root) edits(cmd *cobra.Command, rows string, f *editFlags) {
	cmd.Args = cobra.ExactArgs(1)
	flags := cmd.Flags()
	flags.StringVar(&f.file, "file", "", "the edited document; - for the standard input")
	flags.BoolVar(&f.check, "check", false, "only check it")
	flags.StringVar(&f.req.Why, "why", "", "why it is changed; stays with it")
	flags.IntVar(&f.revision, "revision", -1, "of the document that was edited; refused when somebody else was quicker")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if _, err := strconv.ParseUint(args[0], 10, 63); err != nil {
			return r.bad(text.NotAnID, args[0])
		}
		sends := f.file != "" && !f.check || f.req.Original
		switch {
		case f.check && f.file == "", f.req.Original && f.file != "":
			return r.bad(text.EditFile)
		case sends && f.req.Why == "":
			return r.bad(text.EditWhy)
		}
		var typed []byte
		if f.file != "" {
			var err error
			if typed, err = r.typed(f.file); err != nil {
				return err
			}
		}
		path := "/api/v1/" + rows + "/" + args[0] + "/edit"
		return r.with(cmd.Context(), func(c *client) error {
			switch {
			case f.check:
				return r.checkEdit(cmd, c, path, string(typed))
			case sends:
				f.req.Document, f.req.Who = string(typed), "cli"
				return r.sendEdit(cmd, c, path, args[0], f)
			}
			return r.printEditable(cmd, c, path)
		})
	}
}

func (r *root) typed(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(r.std.In)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, inputError{err}
	}
	return b, nil
}

func (r *root) printEditable(cmd *cobra.Command, c *client, path string) error {
	var doc api.Editable
	if err := c.do(cmd.Context(), http.MethodGet, path, nil, &doc); err != nil {
		return err
	}
	if r.json {
		return r.printJSON(doc)
	}
	fmt.Fprintln(r.std.Out, doc.Text)
	fmt.Fprintln(r.std.Err, r.texts.Say(text.EditRevision, doc.Revision))
	return nil
}

func (r *root) checkEdit(cmd *cobra.Command, c *client, path, typed string) error {
	var out api.Checked
	if err := c.do(cmd.Context(), http.MethodPost, path+"/check", api.CheckRequest{Document: typed}, &out); err != nil {
		return err
	}
	bad := len(out.Problems) > 0 || out.Code != ""
	switch {
	case r.json:
		if err := r.printJSON(out); err != nil {
			return err
		}
	case bad:
		for _, p := range out.Problems {
			fmt.Fprintln(r.std.Out, strings.TrimSpace(fmt.Sprintf("%d:%d: %s %s (%s) %s", p.Line, p.Column, p.Pointer, p.Text, p.Rule, p.Hint)))
		}
		if out.Code != "" {
			r.say(text.EditStands, out.Code, indented(out.Text))
		}
	case out.Unchanged:
		r.say(text.EditUnchanged)
	default:
		r.say(text.EditFits, len(out.Rows))
		for _, p := range out.Rows {
			fmt.Fprintf(r.std.Out, "%s.%s %s: %s\n", p.Connection, p.Operation, p.Key, p.State)
		}
	}
	if bad {
		return quiet(Failed)
	}
	return nil
}

func (r *root) sendEdit(cmd *cobra.Command, c *client, path, row string, f *editFlags) error {
	if f.req.Revision = f.revision; f.revision < 0 {
		if f.req.Original {
			var m api.Message
			if err := c.do(cmd.Context(), http.MethodGet, "/api/v1/messages/"+row, nil, &m); err != nil {
				return err
			}
			f.req.Revision = m.Revision
		} else {
			var doc api.Editable
			if err := c.do(cmd.Context(), http.MethodGet, path, nil, &doc); err != nil {
				return err
			}
			f.req.Revision = doc.Revision
		}
	}
	var out pipelines.Replay
	if err := c.do(cmd.Context(), http.MethodPost, path, f.req, &out); err != nil {
		return err
	}
	if r.json {
		return r.printJSON(out)
	}
	r.say(text.EditDone, out.From, out.To)
	return nil
}
