package app

import (
	"context"
	"net/url"

	"github.com/minihub/minihub/cmd/minihub/internal/people"
)

// FirstLink returns a one-time link that makes the first person, an admin, and works for
// a quarter of an hour; empty when there is somebody already.
func (a *App) FirstLink(ctx context.Context) (string, error) {
	secret, err := (&people.Desk{Store: a.ledger}).First(ctx)
	if err != nil || secret == "" {
		return "", err
	}
	return SignInLink(a.AdminURL(), secret, ""), nil
}

// SignInLink is the address of the page on which the holder of an invite chooses a
// password; without a person, a name too. The secret stands behind the #, where no log
// sees it.
func SignInLink(admin, secret, person string) string {
	link := admin + "/console/#invite=" + secret
	if person != "" {
		link += "&name=" + url.QueryEscape(person)
	}
	return link
}
