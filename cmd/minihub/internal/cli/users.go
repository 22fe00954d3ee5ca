package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/api"
	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/cmd/minihub/internal/people"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
)

// sayRunning prints where a hub listens and, while it knows nobody, the link that makes
// its first admin.
func (r *root) sayRunning(ctx context.Context, a *app.App) error {
	link, err := a.FirstLink(ctx)
	if err != nil {
		return err
	}
	if r.json {
		out := map[string]string{"admin": a.AdminURL(), "intake": a.IntakeURL()}
		if link != "" {
			out["first_sign_in"] = link
		}
		return r.printJSON(out)
	}
	r.say(text.Running, a.AdminURL(), a.IntakeURL())
	if link != "" {
		r.say(text.FirstSignIn, int(people.FirstLife.Minutes()), link)
	}
	return nil
}

func (r *root) usersCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "users", Short: "Add people, give them roles, let them in"}
	cmd.AddCommand(r.usersList(), r.usersAdd(), r.usersPassword(), r.usersRoles(), r.usersDisable())
	return cmd
}

func (r *root) usersList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List people with their roles", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd.Context(), func(c *client) error {
				var out struct {
					People []api.PersonRow `json:"people"`
				}
				if err := c.do(cmd.Context(), http.MethodGet, "/api/v1/people", nil, &out); err != nil {
					return err
				}
				switch {
				case r.json:
					return r.printJSON(out)
				case len(out.People) == 0:
					r.say(text.NoPeople)
					return nil
				}
				var rows [][]string
				for _, p := range out.People {
					state := text.PersonActive
					switch {
					case p.Disabled:
						state = text.PersonDisabled
					case p.Provider:
						state = text.PersonProvider
					case !p.Password:
						state = text.PersonInvited
					}
					rows = append(rows, []string{p.Name, strings.Join(p.Roles, " "), r.texts.Say(state), short(p.Changed)})
				}
				return r.table([]string{"NAME", "ROLES", "STATE", "CHANGED"}, rows)
			})
		},
	}
}

const stdinFlag = "password-stdin"

func (r *root) usersAdd() *cobra.Command {
	var roles []string
	var stdin bool
	var why string
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Add a person; they choose their password through a one-time link", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := r.password(stdin)
			if err != nil {
				return err
			}
			return r.let(cmd.Context(), "/api/v1/people", &api.PersonRequest{Name: args[0], Roles: roles, Password: password, Why: why}, text.PersonAdded)
		},
	}
	cmd.Flags().StringSliceVar(&roles, "role", nil, "a role: viewer, support, ops, integrator, admin; several by commas")
	cmd.Flags().BoolVar(&stdin, stdinFlag, false, "read the password from the standard input instead")
	cmd.Flags().StringVar(&why, "why", "", "why, for the audit")
	_ = cmd.MarkFlagRequired("role")
	return cmd
}

func (r *root) usersPassword() *cobra.Command {
	var stdin bool
	var why string
	cmd := &cobra.Command{
		Use: "passwd NAME", Short: "Let a person choose a new password through a one-time link", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := r.password(stdin)
			if err != nil {
				return err
			}
			return r.let(cmd.Context(), "/api/v1/people/"+url.PathEscape(args[0])+"/password", &api.PersonRequest{Password: password, Why: why}, text.PasswordSet)
		},
	}
	cmd.Flags().BoolVar(&stdin, stdinFlag, false, "read the password from the standard input instead")
	cmd.Flags().StringVar(&why, "why", "", "why, for the audit")
	return cmd
}

// let makes a call that may answer with a one-time link.
func (r *root) let(ctx context.Context, path string, in *api.PersonRequest, done text.ID) error {
	return r.with(ctx, func(c *client) error {
		var out struct {
			api.Invited
			Link string `json:"link,omitempty"`
		}
		if err := c.do(ctx, http.MethodPost, path, in, &out.Invited); err != nil {
			return err
		}
		if out.Invite != "" {
			admin := c.endpoint.URL
			if c.local != nil {
				admin = "http://" + c.local.Deployment().Hub.Listen
			}
			out.Link = app.SignInLink(admin, out.Invite, out.Person)
		}
		switch {
		case r.json:
			return r.printJSON(out)
		case out.Link != "":
			r.say(text.PersonLink, out.Person, short(out.Until), out.Link)
		default:
			r.say(done, out.Person)
		}
		return nil
	})
}

// password reads one line; nothing is read unless it was asked for.
func (r *root) password(stdin bool) (string, error) {
	if !stdin {
		return "", nil
	}
	line, err := bufio.NewReader(io.LimitReader(r.std.In, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", r.bad(text.NoPassword)
	}
	return line, nil
}

func (r *root) usersRoles() *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use: "roles NAME ROLE...", Short: "Give a person these roles instead of the ones they have", Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.let(cmd.Context(), "/api/v1/people/"+url.PathEscape(args[0]), &api.PersonRequest{Roles: args[1:], Why: why}, text.PersonChanged)
		},
	}
	cmd.Flags().StringVar(&why, "why", "", "why, for the audit")
	return cmd
}

func (r *root) usersDisable() *cobra.Command {
	var why string
	var back bool
	cmd := &cobra.Command{
		Use: "disable NAME", Short: "Shut a person out at once; their sessions end", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			disabled := !back
			return r.let(cmd.Context(), "/api/v1/people/"+url.PathEscape(args[0]), &api.PersonRequest{Disabled: &disabled, Why: why}, text.PersonChanged)
		},
	}
	cmd.Flags().BoolVar(&back, "undo", false, "let them in again")
	cmd.Flags().StringVar(&why, "why", "", "why, for the audit")
	return cmd
}
