package api

import (
	"github.com/minihub/minihub/cmd/minihub/internal/alarm"
	"github.com/minihub/minihub/pipelines"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/schedule"
)

// description is what the document says of a call.
type description struct {
	summary string
	query   []string
	in, out any    // values of the types of body and answer; nil: none, or any object
	media   string // of the answer; empty = JSON
}

type whoWhy struct {
	Who string `json:"who,omitempty"`
	Why string `json:"why,omitempty"`
}

type lookupEntry struct {
	Table string `json:"table"`
	Key   string `json:"key"`
	Value string `json:"value"`
	whoWhy
}

type discardReason struct {
	Who string `json:"who,omitempty"`
	Why string `json:"why"`
}

type signInRequest struct {
	Name     string `json:"name"`
	Password string `json:"password"`
}

type inviteRequest struct {
	Invite   string `json:"invite"`
	Name     string `json:"name"`
	Password string `json:"password"`
}

type passwordRequest struct {
	Old string `json:"old"`
	New string `json:"new"`
}

type backRequest struct {
	Revision int64 `json:"revision,omitempty"`
	whoWhy
}

var rowQuery = []string{"connection", "operation", "stream", "flow", "code", "label", "state", "limit", "after"}

// described is every call; a test holds it to what is served.
var described = map[string]description{
	"GET /api/v1/messages":                  {summary: "Find messages by any key people type, by number, and causes by their code", query: []string{"key", "kind", "limit"}, out: FoundList{}},
	"GET /api/v1/messages/{id}":             {summary: "Show a message: its versions, deliveries and tries"},
	"GET /api/v1/messages/{id}/preview":     {summary: "Show what a replay of a message would send", query: []string{"mode"}},
	"POST /api/v1/messages/{id}/reveal":     {summary: "Show one field, or one call of a delivery, unmasked; it is written down", in: RevealRequest{}},
	"GET /api/v1/deliveries":                {summary: "List deliveries", query: rowQuery, out: wrapped{"deliveries", []Delivery{}}},
	"GET /api/v1/deliveries/{id}/rehearsal": {summary: "Show the exact request that a replay of a delivery would send; nothing is written", query: []string{"mode"}, out: Rehearsed{}},
	"GET /api/v1/messages/{id}/rehearsal":   {summary: "Show the exact requests that a replay of a message would send; nothing is written", out: Rehearsed{}},
	"GET /api/v1/deliveries/{id}/calls":     {summary: "Show the requests and answers of a delivery's tries, masked", out: Calls{}},
	"GET /api/v1/deliveries/{id}/preview":   {summary: "Show what a replay of a delivery would send", query: []string{"mode"}},
	"POST /api/v1/deliveries/{id}/discard": {summary: "Give a parked delivery up, with a reason", in: discardReason{},
		out: wrapped{"discarded", int64(0)}},

	"GET /api/v1/messages/{id}/edit":              {summary: "Show the source document of a parked message to be edited, personal values masked", out: Editable{}},
	"POST /api/v1/messages/{id}/edit/check":       {summary: "Check an edited source document and show what the mapping makes of it; nothing is stored", in: CheckRequest{}, out: Checked{}},
	"POST /api/v1/messages/{id}/edit/rehearsal":   {summary: "Show the exact requests that an edited source document would lead to; nothing is stored or sent", in: CheckRequest{}, out: Rehearsed{}},
	"POST /api/v1/messages/{id}/edit":             {summary: "Store an edited source document beside the original and map it", in: EditRequest{}, out: pipelines.Replay{}},
	"GET /api/v1/deliveries/{id}/edit":            {summary: "Show the document of a parked delivery to be edited, personal values masked", out: Editable{}},
	"POST /api/v1/deliveries/{id}/edit/check":     {summary: "Check an edited document; nothing is stored", in: CheckRequest{}, out: Checked{}},
	"POST /api/v1/deliveries/{id}/edit/rehearsal": {summary: "Show the exact request that an edited document would go out as; nothing is stored or sent", in: CheckRequest{}, out: Rehearsed{}},
	"POST /api/v1/deliveries/{id}/edit":           {summary: "Store an edited document beside the original and send it", in: EditRequest{}, out: pipelines.Replay{}},

	"GET /api/v1/records":                    {summary: "List stored messages", query: rowQuery, out: wrapped{"messages", []Message{}}},
	"GET /api/v1/counts":                     {summary: "Count rows by state", out: wrapped{"counts", []Count{}}},
	"POST /api/v1/replay":                    {summary: "Replay a message or a delivery while the caller waits", in: ReplayRequest{}, out: ReplayResult{}},
	"POST /api/v1/lookups":                   {summary: "Set a lookup entry; what waited for it goes on", in: lookupEntry{}, out: wrapped{"released", 0}},
	"GET /api/v1/waiting":                    {summary: "List the lookup entries that messages wait for", query: paged(), out: WaitingList{}},
	"POST /api/v1/waiting":                   {summary: "Fill a missing lookup entry in; what waited for it goes on in its order", in: FillRequest{}, out: wrapped{"released", 0}},
	"GET /api/v1/incidents":                  {summary: "List failures grouped by cause", query: paged("state", "kind", "connection", "code"), out: IncidentList{}},
	"GET /api/v1/incidents/{id}":             {summary: "Show an incident and the rows in it", query: paged(), out: IncidentDetail{}},
	"POST /api/v1/replays":                   {summary: "Plan a bulk replay of an incident or a filter", in: BulkRequest{}, out: Bulk{}},
	"GET /api/v1/replays":                    {summary: "List bulk replays, newest first", query: paged("incident"), out: BulkList{}},
	"GET /api/v1/replays/{id}":               {summary: "Show a bulk replay: its plan and how far it is", out: Bulk{}},
	"GET /api/v1/replays/{id}/items":         {summary: "Results of a bulk replay, one JSON object a line, or by format csv or page", query: paged("format", "state"), out: BulkItem{}, media: "application/jsonl"},
	"POST /api/v1/replays/{id}/start":        {summary: "Let the first ten go, and after a look the rest", in: BulkActRequest{}, out: Bulk{}},
	"POST /api/v1/replays/{id}/pause":        {summary: "Hold a bulk replay", in: BulkActRequest{}, out: Bulk{}},
	"POST /api/v1/replays/{id}/resume":       {summary: "Let a held bulk replay go on", in: BulkActRequest{}, out: Bulk{}},
	"POST /api/v1/replays/{id}/cancel":       {summary: "End a bulk replay; what has not gone stays parked", in: BulkActRequest{}, out: Bulk{}},
	"GET /api/v1/live":                       {summary: "What changes, as server-sent events named state; the state of now without Accept: text/event-stream", out: LiveState{}, media: "text/event-stream"},
	"GET /api/v1/openapi.json":               {summary: "This document"},
	"GET /api/v1/flows":                      {summary: "List the flows in force", out: wrapped{"flows", []Flow{}}},
	"GET /api/v1/flows/now":                  {summary: "What moves along the flows: rates, what waits, closed gates", out: FlowsNow{}},
	"GET /api/v1/limits":                     {summary: "How much of the vendors' limits is used", out: wrapped{"limits", []Limit{}}},
	"GET /api/v1/jobs":                       {summary: "List jobs", out: wrapped{"jobs", []schedule.Status{}}},
	"GET /api/v1/jobs/{name}/runs":           {summary: "List a job's runs and the ticks that began none, newest first", query: paged(), out: JobRuns{}},
	"POST /api/v1/jobs/{name}/run":           {summary: "Run a job now", out: wrapped{"run", ledger.JobRun{}}},
	"POST /api/v1/jobs/{name}/pause":         {summary: "Keep a job from its ticks, with a reason", in: whoWhy{}, out: wrapped{"paused", ""}},
	"POST /api/v1/jobs/{name}/resume":        {summary: "Let a job run at its ticks again", in: whoWhy{}, out: wrapped{"resumed", ""}},
	"POST /api/v1/backfills":                 {summary: "Plan a backfill: ask the source how much there is, and tell when it would be done", in: BackfillRequest{}, out: Backfill{}},
	"GET /api/v1/backfills":                  {summary: "List backfills, newest first", query: paged(), out: BackfillList{}},
	"GET /api/v1/backfills/{id}":             {summary: "Show a backfill: its forecast and how far it is", out: Backfill{}},
	"POST /api/v1/backfills/{id}/start":      {summary: "Let a planned backfill go", in: whoWhy{}, out: Backfill{}},
	"POST /api/v1/backfills/{id}/pause":      {summary: "Hold a backfill", in: whoWhy{}, out: Backfill{}},
	"POST /api/v1/backfills/{id}/resume":     {summary: "Let a held backfill go on", in: whoWhy{}, out: Backfill{}},
	"POST /api/v1/backfills/{id}/cancel":     {summary: "End a backfill; what it has brought stays", in: whoWhy{}, out: Backfill{}},
	"GET /api/v1/connections":                {summary: "List connections with their gates and queues", out: wrapped{"connections", []ConnectionStatus{}}},
	"POST /api/v1/connections/{name}/pause":  {summary: "Hold everything for a connection", in: gateRequest{}, out: wrapped{"paused", ""}},
	"POST /api/v1/connections/{name}/resume": {summary: "Let everything for a connection go on", in: gateRequest{}, out: wrapped{"resumed", ""}},
	"POST /api/v1/reconcile":                 {summary: "Compare both sides", in: ReconcileRequest{}},
	"GET /api/v1/reconcile/{id}":             {summary: "Show a reconciliation's report"},
	"POST /api/v1/reconcile/{id}/heal":       {summary: "Mend what a reconciliation found", in: healRequest{}},
	"GET /api/v1/plan":                       {summary: "Compare the directory with what runs", query: []string{"sample"}},
	"POST /api/v1/apply":                     {summary: "Put a plan in force", in: ApplyRequest{}, out: Applied{}},
	"POST /api/v1/apply/promote":             {summary: "Put a canary in force for all", in: ApplyRequest{}, out: Applied{}},
	"POST /api/v1/apply/back":                {summary: "Go back to an earlier revision", in: backRequest{}, out: Applied{}},
	"GET /api/v1/revisions":                  {summary: "What was in force when", out: History{}},
	"GET /api/v1/doctor":                     {summary: "Check the hub and its surroundings", query: []string{"online"}},
	"GET /api/v1/alarms":                     {summary: "What the hub warns of", query: []string{"language"}, out: alarm.Listing{}},
	"POST /api/v1/alarms/test":               {summary: "Prove the path of alarms", in: AlarmTest{}, out: AlarmTested{}},
	"POST /api/v1/alarms/{alarm}/ack":        {summary: "Say who looks after an alarm; it is not told again meanwhile", in: AlarmAck{}, out: alarm.Ack{}},
	"POST /api/v1/session":                   {summary: "Sign in", in: signInRequest{}, out: Me{}},
	"GET /api/v1/session":                    {summary: "Who is signed in", out: Me{}},
	"DELETE /api/v1/session":                 {summary: "Sign out", out: SignedOut{}},
	"GET /api/v1/session/ways":               {summary: "How people can sign in", out: Ways{}},
	"POST /api/v1/session/oidc":              {summary: "Begin a sign-in through the OpenID provider", out: OIDCBegun{}},
	"POST /api/v1/session/oidc/finish":       {summary: "End a sign-in with what the OpenID provider answered", in: OIDCAnswer{}, out: Me{}},
	"GET /api/v1/sessions":                   {summary: "List one's own sign-ins that are open", out: wrapped{"sessions", []SessionRow{}}},
	"DELETE /api/v1/sessions":                {summary: "Sign out everywhere", out: wrapped{"signed_out", 0}},
	"POST /api/v1/session/password":          {summary: "Change one's own password", in: passwordRequest{}, out: Me{}},
	"POST /api/v1/invite":                    {summary: "Use a one-time link up: set a password and sign in", in: inviteRequest{}, out: Me{}},
	"GET /api/v1/people":                     {summary: "List people", out: wrapped{"people", []PersonRow{}}},
	"POST /api/v1/people":                    {summary: "Add a person", in: PersonRequest{}, out: Invited{}},
	"POST /api/v1/people/{name}":             {summary: "Change a person", in: PersonRequest{}, out: Invited{}},
	"POST /api/v1/people/{name}/password":    {summary: "Set a person's password, or make a link for it", in: PersonRequest{}, out: Invited{}},
	"GET /api/v1/tokens":                     {summary: "List API tokens", out: wrapped{"tokens", []TokenRow{}}},
	"POST /api/v1/tokens":                    {summary: "Make an API token", in: TokenRequest{}, out: TokenRow{}},
	"DELETE /api/v1/tokens/{id}":             {summary: "Revoke an API token"},
	"GET /api/v1/audit":                      {summary: "Who did what", query: []string{"who", "act", "on", "from", "to", "before", "limit"}, out: wrapped{"entries", []AuditRow{}}},
	"GET /api/v1/audit/export":               {summary: "Who did what, oldest first, one JSON object a line", query: []string{"who", "act", "on", "from", "to"}, out: AuditRow{}, media: "application/jsonl"},
	"GET /api/v1/audit/verify":               {summary: "Check the chain of the audit", query: []string{"head"}},
}

type healRequest struct {
	Who string `json:"who,omitempty"`
}
