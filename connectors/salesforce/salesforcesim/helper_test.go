package salesforcesim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors/simkit"
)

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

type bench struct {
	*Sim
	t     *testing.T
	clock *clock
	url   string
	token string
}

func start(t *testing.T, o Options) *bench {
	t.Helper()
	c := &clock{at: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)}
	o.Now = c.now
	s := New(o)
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	b := &bench{Sim: s, t: t, clock: c, url: srv.URL}
	b.token = b.login()
	return b
}

func (b *bench) login() string {
	b.t.Helper()
	cred := b.Credentials()
	a := b.form("grant_type", "client_credentials", "client_id", cred["client_id"], "client_secret", cred["client_secret"])
	access, _ := a.object()["access_token"].(string)
	if a.status != 200 || access == "" {
		b.t.Fatalf("login: %d %s", a.status, a.raw)
	}
	return access
}

type answer struct {
	t      *testing.T
	status int
	header http.Header
	raw    []byte
}

func (b *bench) do(req *http.Request) answer {
	b.t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{b.t, res.StatusCode, res.Header, raw}
}

func (b *bench) form(pairs ...string) answer {
	b.t.Helper()
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	req, err := http.NewRequest(http.MethodPost, b.url+"/services/oauth2/token", strings.NewReader(v.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(req)
}

const v67 = "/services/data/v67.0/"

// call does an API call below v67.0; body is JSON text, empty for none.
func (b *bench) call(method, path, body string) answer {
	b.t.Helper()
	req, err := http.NewRequest(method, b.url+v67+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return b.do(req)
}

func (a answer) tree() any {
	a.t.Helper()
	v, err := decodeJSON(a.raw)
	if err != nil {
		a.t.Fatalf("%v in %s", err, a.raw)
	}
	return v
}

func (a answer) object() map[string]any {
	a.t.Helper()
	m, ok := a.tree().(map[string]any)
	if !ok {
		a.t.Fatalf("want an object: %d %s", a.status, a.raw)
	}
	return m
}

// code is the errorCode of an error array.
func (a answer) code() string {
	a.t.Helper()
	var list []struct {
		ErrorCode string `json:"errorCode"`
	}
	if err := json.Unmarshal(a.raw, &list); err != nil || len(list) != 1 {
		a.t.Fatalf("want an array of one error: %d %s", a.status, a.raw)
	}
	return list[0].ErrorCode
}

// want checks status and, above 299, the error code.
func (a answer) want(what string, status int, code string) {
	a.t.Helper()
	if a.status != status || code != "" && a.code() != code {
		a.t.Errorf("%s: %d %s, want %d %s", what, a.status, a.raw, status, code)
	}
}

type row struct {
	ID      string `json:"id"`
	Success bool   `json:"success"`
	Created bool   `json:"created"`
	Errors  []struct {
		StatusCode string   `json:"statusCode"`
		Message    string   `json:"message"`
		Fields     []string `json:"fields"`
	} `json:"errors"`
}

// rows upserts a collection and returns "created", "updated" or the code of each row.
func (b *bench) rows(object, field, records string, allOrNone bool) []string {
	b.t.Helper()
	a := b.call(http.MethodPatch, "composite/sobjects/"+object+"/"+field, fmt.Sprintf(`{"allOrNone":%v,"records":[%s]}`, allOrNone, records))
	var list []row
	if err := json.Unmarshal(a.raw, &list); err != nil || a.status != 200 {
		b.t.Fatalf("collection: %d %s", a.status, a.raw)
	}
	var out []string
	for _, r := range list {
		switch {
		case !r.Success:
			out = append(out, r.Errors[0].StatusCode)
		case r.Created:
			out = append(out, "created")
		default:
			out = append(out, "updated")
		}
	}
	return out
}

func contact(no, more string) string {
	return `{"attributes":{"type":"Contact"},"MemberNo__c":"` + no + `","LastName":"周"` + more + `}`
}

func (b *bench) query(soql string) answer {
	b.t.Helper()
	return b.call(http.MethodGet, "query?q="+url.QueryEscape(soql), "")
}

func (b *bench) fault(f simkit.Fault) {
	b.t.Helper()
	if _, err := b.opts.Faults.Add(f); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) count(call string) simkit.CallCount {
	for _, c := range b.gate.Counts() {
		if c.Call == call {
			return c
		}
	}
	return simkit.CallCount{}
}
