package cli

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
)

// tokenVariable holds the API token for a hub elsewhere; an argument would stand in the
// list of processes.
const tokenVariable = "MINIHUB_TOKEN"

// speaking are the commands that ask the API of a hub; the others work on files.
var speaking = []string{"alarms", "apply", "audit", "backfill", "connections", "deliveries", "doctor", "incidents", "jobs", "lookups", "messages", "plan", "reconcile", "replay",
	"revisions", "tokens", "users"}

// remote refuses --url for a command that would not heed it.
func (r *root) remote(cmd *cobra.Command, _ []string) error {
	name := strings.Fields(cmd.CommandPath())
	switch {
	case r.url == "" && r.tokenFile == "":
		return nil
	case len(name) < 2 || !slices.Contains(speaking, name[1]):
		return r.bad(text.URLFiles, cmd.CommandPath())
	case r.url == "":
		return r.bad(text.MissingFlag, "--url")
	}
	return nil
}

// endpoint is the hub that --url names, with the token of the environment or of a file.
func (r *root) endpoint() (e app.Endpoint, err error) {
	u, err := url.Parse(r.url)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return e, r.bad(text.URLNot, r.url)
	}
	token := os.Getenv(tokenVariable)
	if r.tokenFile != "" {
		b, err := os.ReadFile(r.tokenFile)
		if err != nil {
			return e, inputError{err}
		}
		token = string(b)
	}
	if token = strings.TrimSpace(token); token == "" {
		return e, r.bad(text.URLNoToken, r.url)
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && !ip.IsLoopback() {
		fmt.Fprintln(r.std.Err, r.texts.Say(text.Warning, r.texts.Say(text.URLClear, u.Host)))
	}
	return app.Endpoint{URL: u.Scheme + "://" + u.Host, Token: token}, nil
}
