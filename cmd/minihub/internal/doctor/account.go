package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
)

// pingFor is how long an account may take to answer.
const pingFor = 20 * time.Second

// Ping tries an account's credentials with a call that changes nothing.
func Ping(ctx context.Context, name string, conn connectors.Connection) []Finding {
	p, can := conn.(connectors.Pinger)
	if !can {
		return []Finding{find(Credentials, name, Skipped, "no_ping")}
	}
	ctx, cancel := context.WithTimeout(ctx, pingFor)
	defer cancel()
	began := time.Now()
	err := safely(ctx, p)
	if err == nil {
		return []Finding{find(Credentials, name, Fine, "fine", time.Since(began).Round(time.Millisecond).String())}
	}
	return diagnose(name, connectors.AsError(err))
}

// safely keeps a connector that breaks from ending the hub.
func safely(ctx context.Context, p connectors.Pinger) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &connectors.Error{Kind: connectors.Unclassified, Code: "internal.panic", Text: "the connector broke; this is a bug"}
		}
	}()
	return p.Ping(ctx)
}

// diagnose turns what a vendor answered into what to do about it.
func diagnose(name string, e *connectors.Error) []Finding {
	said := strings.TrimSpace(e.Code + " " + e.Text)
	if e.Text == "" && e.Err != nil {
		said = strings.TrimSpace(e.Code + " " + e.Err.Error())
	}
	if e.Hint != "" {
		said += " (" + e.Hint + ")"
	}
	switch e.Kind {
	case connectors.Unauthorized:
		return []Finding{find(Credentials, name, Fail, "unauthorized", said)}
	case connectors.Forbidden:
		if from := addressIn(said); from != "" {
			return []Finding{find(Address, name, Fail, "refused", from, said)}
		}
		return []Finding{find(Credentials, name, Fail, "forbidden", said)}
	case connectors.Quota, connectors.RateLimited:
		return []Finding{find(Quota, name, Fail, "used_up", said, waitText(e.Wait))}
	case connectors.Unavailable:
		return []Finding{find(Credentials, name, Fail, "unavailable", said)}
	}
	return []Finding{find(Credentials, name, Fail, "failed", said)}
}

func waitText(d time.Duration) string {
	if d <= 0 {
		return "?"
	}
	return d.Round(time.Second).String()
}

var addressLike = regexp.MustCompile(`[0-9a-fA-F:.]{7,45}`)

// addressIn finds the address that a vendor says a call came from. One of the machine's
// own or of a local net is none that a vendor sees.
func addressIn(said string) string {
	for _, m := range addressLike.FindAllString(said, -1) {
		a, err := netip.ParseAddr(strings.Trim(m, ":."))
		if err != nil {
			a, err = netip.ParseAddr(strings.TrimRight(m, ".:"))
		}
		if err == nil && !a.Unmap().IsPrivate() && !a.IsLoopback() && !a.IsUnspecified() {
			return a.Unmap().String()
		}
	}
	return ""
}

// nearLimit is the share of a limit from which it is told.
const nearLimit = 0.9

// Used says how much of a limit the last span held.
func Used(account, limit string, used, allowed int) (Finding, bool) {
	if allowed <= 0 || float64(used) < nearLimit*float64(allowed) {
		return Finding{}, false
	}
	return find(Quota, account, Warn, "near", limit, fmt.Sprint(used), fmt.Sprint(allowed)), true
}

// Closed is a gate that holds a connection's messages back.
func Closed(g ledger.Gate) Finding {
	of := g.Connection
	if g.Operation != "" {
		of += "." + g.Operation
	}
	why := strings.TrimSpace(g.Code + " " + g.Text)
	switch g.Reason {
	case "pause":
		return find(Gate, of, Warn, "paused", why, g.Connection)
	case "auth":
		return find(Gate, of, Fail, "auth", why, g.Connection)
	case "quota":
		return find(Gate, of, Fail, "quota", why, g.Until.Local().Format("01-02 15:04"))
	}
	return find(Gate, of, Fail, "outage", why, g.Until.Local().Format("01-02 15:04:05"))
}

// Orphans is work of a connection that the hub does not have.
func Orphans(connection string, n int64) Finding {
	return find(Gate, connection, Fail, "orphan", fmt.Sprint(n))
}

// Fails is a mapping that fails more often since it was applied.
func Fails(mapping string, revision, bad, of int64) Finding {
	return find(Mapping, mapping, Fail, "suspect", fmt.Sprint(revision), fmt.Sprint(bad), fmt.Sprint(of))
}
