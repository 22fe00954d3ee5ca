package api

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/desk"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/schemas/canonical"
)

// Incident is failures of one cause. Field is where the failures' text names one.
type Incident struct {
	ID         int64       `json:"id"`
	Kind       string      `json:"kind"` // delivery, record, hint, gate
	Connection string      `json:"connection"`
	Name       string      `json:"name,omitempty"` // operation or stream
	Code       string      `json:"code"`
	Field      string      `json:"field,omitempty"`
	State      string      `json:"state"` // open, closed
	Since      time.Time   `json:"since"`
	Changed    time.Time   `json:"changed"`
	Ended      *time.Time  `json:"ended,omitempty"`
	Now        int64       `json:"now"`      // rows in it
	Seen       int64       `json:"seen"`     // failures since it opened
	Lifetime   int64       `json:"lifetime"` // failures of this cause ever
	Episodes   int64       `json:"episodes"`
	Waiting    int64       `json:"waiting,omitempty"` // of a gate: deliveries that it holds
	Means      desk.Words  `json:"means"`
	Do         desk.Words  `json:"do"`
	Fix        desk.Fix    `json:"fix"`
	Recovered  *desk.Words `json:"recovered,omitempty"`
	// Money is what the rows in it are about, by currency; Unpriced rows are in none of it:
	// nobody knows yet what they are about.
	Money    []Stake `json:"money,omitempty"`
	Unpriced int64   `json:"rows_without_amount,omitempty"`
}

// Stake is money of a number of rows: exact, in minor units and as a decimal.
type Stake struct {
	Currency string `json:"currency"`
	Minor    int64  `json:"amount_minor"`
	Amount   string `json:"amount"` // 1234.56
	Rows     int64  `json:"rows"`
}

func stakes(list []ledger.Stake) []Stake {
	var out []Stake
	for _, s := range list {
		out = append(out, Stake{Currency: s.Currency, Minor: s.Minor, Amount: canonical.Money{Minor: s.Minor, Currency: s.Currency}.Decimal(), Rows: s.Rows})
	}
	return out
}

// IncidentRow is one row of an incident.
type IncidentRow struct {
	ID         int64     `json:"id"`
	Message    int64     `json:"message,omitempty"` // of a delivery: its message
	Label      string    `json:"label,omitempty"`
	State      string    `json:"state"`
	Text       string    `json:"text,omitempty"`
	Connection string    `json:"connection"`
	At         time.Time `json:"at"`
}

// IncidentList is a page of incidents.
type IncidentList struct {
	Incidents []Incident `json:"incidents"`
	Next      string     `json:"next,omitempty"`
	// Money is at stake in all open incidents together, at most: a document that fails for
	// two causes counts twice.
	Money []Stake `json:"money,omitempty"`
}

// IncidentDetail is an incident and a page of its rows.
type IncidentDetail struct {
	Incident Incident      `json:"incident"`
	Rows     []IncidentRow `json:"rows"`
	Next     string        `json:"next,omitempty"`
}

// causes adds the calls of the support desk.
func (a *API) causes() {
	a.handle("GET /api/v1/incidents", a.incidents)
	a.handle("GET /api/v1/incidents/{id}", a.incident)
	a.handle("GET /api/v1/waiting", a.waiting)
	a.handle("POST /api/v1/waiting", a.fillWaiting)
}

func (a *API) deskStore() (ledger.Desk, error) {
	d, ok := a.opt.Ledger.(ledger.Desk)
	if !ok {
		return nil, &Error{Status: http.StatusNotImplemented, Code: "api.no_desk", Text: "this store keeps no incidents"}
	}
	return d, nil
}

// cursor reads the numbers that a page handed out as its next; none is the first page.
func cursor(r *http.Request, n int) ([]int64, error) {
	s := r.URL.Query().Get("cursor")
	out := make([]int64, n)
	if s == "" {
		return out, nil
	}
	parts := strings.Split(s, ".")
	ok := len(parts) == n
	for i := 0; ok && i < n; i++ {
		var err error
		out[i], err = strconv.ParseInt(parts[i], 10, 64)
		ok = err == nil && out[i] >= 0
	}
	if !ok {
		return nil, badCursor(s)
	}
	return out, nil
}

func badCursor(s string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "api.cursor", Text: fmt.Sprintf("the cursor %q was not handed out by this call", s), Hint: "give what the last page said in next, or nothing"}
}

func (a *API) incidents(r *http.Request) (any, error) {
	store, err := a.deskStore()
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	f := ledger.IncidentFilter{State: q.Get("state"), Kind: q.Get("kind"), Connection: q.Get("connection"), Code: q.Get("code")}
	switch f.State {
	case "":
		f.State = "open"
	case "all":
		f.State = ""
	case "open", "closed":
	default:
		return nil, unknown("state", f.State, []string{"open", "closed", "all"})
	}
	if err := a.knows(f.Connection, "", ""); err != nil {
		return nil, err
	}
	at, err := cursor(r, 2)
	if err != nil {
		return nil, err
	}
	if at[0] > 0 {
		f.Before, f.BeforeID = time.UnixMicro(at[0]), at[1]
	}
	if f.Limit, err = limit(r); err != nil {
		return nil, err
	}
	list, err := store.Incidents(r.Context(), f)
	if err != nil {
		return nil, err
	}
	held, err := a.held(r, list)
	if err != nil {
		return nil, err
	}
	all, err := store.Stakes(r.Context())
	if err != nil {
		return nil, err
	}
	out := IncidentList{Incidents: []Incident{}, Money: stakes(all)}
	for i := range list {
		out.Incidents = append(out.Incidents, a.describe(&list[i], held))
	}
	if len(list) == f.Limit {
		last := list[len(list)-1]
		out.Next = fmt.Sprintf("%d.%d", last.OpenedAt.UnixMicro(), last.ID)
	}
	return out, nil
}

// held counts what closed gates hold, when there are any.
func (a *API) held(r *http.Request, list []ledger.Incident) (map[string]int64, error) {
	any := false
	for i := range list {
		any = any || list[i].Kind == "gate"
	}
	if !any {
		return nil, nil
	}
	out := map[string]int64{}
	for topic, n := range a.opt.Engine.Depth() {
		if name, ok := strings.CutPrefix(topic, "deliveries/"); ok {
			out[name] += int64(n)
		}
	}
	return out, nil
}

func (a *API) describe(i *ledger.Incident, held map[string]int64) Incident {
	m := desk.Explain(i.Kind, i.Code)
	out := Incident{ID: i.ID, Kind: i.Kind, Connection: i.Connection, Name: i.Name, Code: i.Code, Field: i.Field, State: "open", Since: i.OpenedAt,
		Changed: i.ChangedAt, Now: i.Now, Seen: i.Seen, Lifetime: i.Lifetime, Episodes: i.Episodes, Means: m.Means, Do: m.Do, Fix: m.Fix, Money: stakes(i.Money), Unpriced: i.Unpriced()}
	if i.Kind == "gate" {
		out.Waiting = held[i.Connection]
	}
	if !i.Open() {
		out.State, out.Ended = "closed", &i.ClosedAt
		w := desk.Ended(i.ClosedAt.In(a.opt.Zone), i.Seen, i.Now+out.Waiting)
		out.Recovered = &w
	}
	return out
}

func (a *API) incident(r *http.Request) (any, error) {
	store, err := a.deskStore()
	if err != nil {
		return nil, err
	}
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	after, n, err := page(r)
	if err != nil {
		return nil, err
	}
	i, err := store.Incident(r.Context(), id)
	if err != nil {
		return nil, missing("incident", id, err)
	}
	held, err := a.held(r, []ledger.Incident{*i})
	if err != nil {
		return nil, err
	}
	out := IncidentDetail{Incident: a.describe(i, held), Rows: []IncidentRow{}}
	if i.Kind == "gate" {
		return out, nil
	}
	ids, err := store.IncidentRows(r.Context(), id, after, n)
	if err != nil {
		return nil, err
	}
	for _, row := range ids {
		one, err := a.incidentRow(r, i, row)
		if errors.Is(err, ledger.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out.Rows = append(out.Rows, *one)
	}
	if len(ids) == n {
		out.Next = strconv.FormatInt(ids[n-1], 10)
	}
	return out, nil
}

func (a *API) incidentRow(r *http.Request, i *ledger.Incident, id int64) (*IncidentRow, error) {
	switch i.Kind {
	case "delivery":
		d, err := a.opt.Ledger.Delivery(r.Context(), id)
		if err != nil {
			return nil, err
		}
		return &IncidentRow{ID: id, Message: d.Record, Label: d.RemoteKey, State: string(d.State), Text: d.Text, Connection: d.Connection, At: d.UpdatedAt}, nil
	case "record":
		rec, err := a.opt.Ledger.Record(r.Context(), id)
		if err != nil {
			return nil, err
		}
		return &IncidentRow{ID: id, Message: id, Label: rec.Label, State: string(rec.State), Text: rec.Text, Connection: rec.DocKey.Connection, At: rec.At}, nil
	default:
		h, err := a.opt.Ledger.Hint(r.Context(), id)
		if err != nil {
			return nil, err
		}
		return &IncidentRow{ID: id, Label: h.Key, State: h.State, Text: h.Text, Connection: h.Connection, At: h.FirstAt}, nil
	}
}
