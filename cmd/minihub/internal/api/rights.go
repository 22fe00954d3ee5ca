package api

import (
	"strings"

	"github.com/minihub/minihub/cmd/minihub/internal/people"
)

// call says what an endpoint needs, and how the audit tells of it.
type call struct {
	right people.Right
	// act names a changing call in the audit.
	act string
	// keep are the fields of the body that the audit repeats: never a document, a password
	// or another value that may be personal.
	keep []string
	// dry is a field of the body that, when true, makes the call change nothing.
	dry string
	// looks: it takes a body and changes nothing; only a refusal is noted.
	looks bool
	// own: the handler writes the audit entry itself, in the transaction of the change.
	own bool
	// sees: it shows one message's document, which the audit tells of. Lists are not told.
	sees bool
}

// calls is what every endpoint needs. An endpoint without a row answers nobody.
var calls = map[string]call{
	"GET /api/v1/messages":         {right: people.See},
	"GET /api/v1/messages/{id}":    {right: people.See, sees: true},
	"GET /api/v1/deliveries":       {right: people.See},
	"GET /api/v1/records":          {right: people.See},
	"GET /api/v1/counts":           {right: people.See},
	"GET /api/v1/jobs":             {right: people.See},
	"GET /api/v1/jobs/{name}/runs": {right: people.See},
	"GET /api/v1/connections":      {right: people.See},
	"GET /api/v1/reconcile/{id}":   {right: people.See},
	"GET /api/v1/revisions":        {right: people.See},
	"GET /api/v1/plan":             {right: people.Operate},
	"GET /api/v1/doctor":           {right: people.Operate},

	"GET /api/v1/flows":                   {right: people.See},
	"GET /api/v1/flows/now":               {right: people.See},
	"GET /api/v1/limits":                  {right: people.See},
	"GET /api/v1/messages/{id}/preview":   {right: people.See, sees: true},
	"GET /api/v1/deliveries/{id}/preview": {right: people.See, sees: true},
	"GET /api/v1/deliveries/{id}/calls":   {right: people.See, sees: true},
	// These may ask the target what it has before they show what would be written.
	"GET /api/v1/messages/{id}/rehearsal":   {right: people.Repair, sees: true},
	"GET /api/v1/deliveries/{id}/rehearsal": {right: people.Repair, sees: true},

	"GET /api/v1/messages/{id}/edit":              {right: people.Repair, sees: true},
	"POST /api/v1/messages/{id}/edit/check":       {right: people.Repair, act: "edit.check", looks: true},
	"POST /api/v1/messages/{id}/edit/rehearsal":   {right: people.Repair, act: "edit.rehearse", looks: true},
	"POST /api/v1/messages/{id}/edit":             {right: people.Repair, act: "edit", keep: []string{"revision", "original"}},
	"GET /api/v1/deliveries/{id}/edit":            {right: people.Repair, sees: true},
	"POST /api/v1/deliveries/{id}/edit/check":     {right: people.Repair, act: "edit.check", looks: true},
	"POST /api/v1/deliveries/{id}/edit/rehearsal": {right: people.Repair, act: "edit.rehearse", looks: true},
	"POST /api/v1/deliveries/{id}/edit":           {right: people.Repair, act: "edit", keep: []string{"revision", "confirm"}},

	"POST /api/v1/replay": {right: people.Repair, act: "replay", dry: "plan",
		keep: []string{"message", "delivery", "mode", "confirm"}},
	"POST /api/v1/deliveries/{id}/discard":   {right: people.Repair, act: "discard"},
	"POST /api/v1/messages/{id}/reveal":      {right: people.Reveal, act: "reveal", own: true},
	"POST /api/v1/lookups":                   {right: people.Lookup, act: "lookup.put", keep: []string{"table", "key"}},
	"POST /api/v1/jobs/{name}/run":           {right: people.Operate, act: "job.run"},
	"POST /api/v1/jobs/{name}/pause":         {right: people.Operate, act: "job.pause"},
	"POST /api/v1/jobs/{name}/resume":        {right: people.Operate, act: "job.resume"},
	"GET /api/v1/backfills":                  {right: people.See},
	"GET /api/v1/backfills/{id}":             {right: people.See},
	"POST /api/v1/backfills":                 {right: people.Operate, act: "backfill.plan", keep: []string{"connection", "stream", "preset", "from", "to", "leave"}},
	"POST /api/v1/backfills/{id}/start":      {right: people.Operate, act: "backfill.start"},
	"POST /api/v1/backfills/{id}/pause":      {right: people.Operate, act: "backfill.pause"},
	"POST /api/v1/backfills/{id}/resume":     {right: people.Operate, act: "backfill.resume"},
	"POST /api/v1/backfills/{id}/cancel":     {right: people.Operate, act: "backfill.cancel"},
	"POST /api/v1/connections/{name}/pause":  {right: people.Operate, act: "pause", keep: []string{"operation"}},
	"POST /api/v1/connections/{name}/resume": {right: people.Operate, act: "resume", keep: []string{"operation"}},
	"POST /api/v1/reconcile":                 {right: people.Operate, act: "reconcile", keep: []string{"from", "to", "grace"}},
	"POST /api/v1/reconcile/{id}/heal":       {right: people.Operate, act: "reconcile.heal"},
	"POST /api/v1/apply":                     {right: people.Change, act: "apply", keep: []string{"plan", "share"}},
	"POST /api/v1/apply/promote":             {right: people.Change, act: "apply.promote", keep: []string{"plan"}},
	"POST /api/v1/apply/back":                {right: people.Change, act: "apply.back", keep: []string{"revision"}},

	"GET /api/v1/alarms":              {right: people.See},
	"POST /api/v1/alarms/test":        {right: people.Operate, act: "alarms.test", keep: []string{"receiver"}},
	"POST /api/v1/alarms/{alarm}/ack": {right: people.Operate, act: "alarms.ack"},

	"POST /api/v1/session":          {right: people.Public, act: "sign_in", own: true},
	"GET /api/v1/session":           {right: people.Self},
	"GET /api/v1/session/ways":      {right: people.Public},
	"DELETE /api/v1/session":        {right: people.Self, act: "sign_out"},
	"GET /api/v1/sessions":          {right: people.Self},
	"DELETE /api/v1/sessions":       {right: people.Self, act: "sign_out.everywhere"},
	"POST /api/v1/session/password": {right: people.Self, act: "person.password", own: true},
	"POST /api/v1/invite":           {right: people.Public, act: "invite.accept", own: true},
	// Beginning changes nothing at the hub, so no entry tells of it.
	"POST /api/v1/session/oidc":        {right: people.Public, act: "sign_in.begin", own: true},
	"POST /api/v1/session/oidc/finish": {right: people.Public, act: "sign_in", own: true},

	"GET /api/v1/people":                  {right: people.Manage},
	"POST /api/v1/people":                 {right: people.Manage, act: "person.add", own: true},
	"POST /api/v1/people/{name}":          {right: people.Manage, act: "person.change", own: true},
	"POST /api/v1/people/{name}/password": {right: people.Manage, act: "person.password", own: true},
	"GET /api/v1/tokens":                  {right: people.Manage},
	"POST /api/v1/tokens":                 {right: people.Manage, act: "token.add", own: true},
	"DELETE /api/v1/tokens/{id}":          {right: people.Manage, act: "token.revoke", own: true},

	"GET /api/v1/audit":        {right: people.Audit},
	"GET /api/v1/audit/verify": {right: people.Audit},
	"GET /api/v1/audit/export": {right: people.Audit},

	"GET /api/v1/incidents":      {right: people.See},
	"GET /api/v1/incidents/{id}": {right: people.See},
	"GET /api/v1/waiting":        {right: people.See},
	"POST /api/v1/waiting":       {right: people.Lookup, act: "lookup.put", keep: []string{"table", "key"}},

	"POST /api/v1/replays": {right: people.Repair, act: "replays.plan",
		keep: []string{"incident", "mode", "rate", "filter.kind", "filter.connection", "filter.operation", "filter.flow", "filter.stream", "filter.code"}},
	"GET /api/v1/replays":              {right: people.See},
	"GET /api/v1/replays/{id}":         {right: people.See},
	"GET /api/v1/replays/{id}/items":   {right: people.See},
	"POST /api/v1/replays/{id}/start":  {right: people.Repair, act: "replays.start", keep: []string{"confirm", "mode", "rate"}},
	"POST /api/v1/replays/{id}/pause":  {right: people.Repair, act: "replays.pause", keep: []string{"confirm"}},
	"POST /api/v1/replays/{id}/resume": {right: people.Repair, act: "replays.resume", keep: []string{"confirm", "mode", "rate"}},
	"POST /api/v1/replays/{id}/cancel": {right: people.Repair, act: "replays.cancel", keep: []string{"confirm"}},

	"GET /api/v1/live":         {right: people.See},
	"GET /api/v1/openapi.json": {right: people.See},

	// What is not there is said to whoever is signed in, and to nobody else.
	"/api/v1/": {right: people.Self},
}

// changing reports whether a method may change something.
func changing(method string) bool {
	return method != "GET" && method != "HEAD" && method != "OPTIONS"
}

// target is what a call is about, for the audit: "message 7", "connection crm".
func target(pattern string, value func(string) string) string {
	_, path, _ := strings.Cut(pattern, "/api/v1/")
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if name, ok := strings.CutPrefix(p, "{"); ok && i > 0 {
			what := parts[i-1]
			switch {
			case what == "people":
				what = "person"
			case strings.HasSuffix(what, "ies"):
				what = strings.TrimSuffix(what, "ies") + "y"
			default:
				what = strings.TrimSuffix(what, "s")
			}
			return what + " " + value(strings.TrimSuffix(name, "}"))
		}
	}
	return ""
}

// RightTo returns the right that an endpoint needs; false when it has no row.
func RightTo(pattern string) (people.Right, bool) {
	c, ok := calls[pattern]
	return c.right, ok
}
