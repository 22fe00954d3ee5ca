package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/porttest"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/pipelines/ledger"
)

// told holds a finding to what every one must have: a text in both languages with nothing
// left to fill in, and a remedy unless it is fine.
func told(t *testing.T, f Finding, state State, code string) {
	t.Helper()
	if f.State != state || f.Code != "doctor."+code {
		t.Fatalf("got %s %s (%s), want %s doctor.%s", f.State, f.Code, f.Text, state, code)
	}
	for _, locale := range []string{"C", "zh_CN.UTF-8"} {
		said, remedy := f.Say(text.In(locale))
		if said == "" || strings.Contains(said+remedy, "%[") || strings.Contains(said+remedy, "%!") {
			t.Errorf("%s in %s says %q, %q", code, locale, said, remedy)
		}
		if (f.State == Fail || f.State == Warn) && remedy == "" {
			t.Errorf("%s in %s has no remedy", code, locale)
		}
	}
}

func TestDisk(t *testing.T) {
	told(t, space(100<<30, true), Fine, "disk.fine")
	told(t, space(1<<30, true), Warn, "disk.low")
	told(t, space(100<<20, true), Fail, "disk.full")
	told(t, space(0, false), Skipped, "disk.unknown")
	if f := Space(filepath.Join(t.TempDir(), "not", "made", "yet")); f.State == Fail || len(f.Args) == 0 {
		t.Fatalf("a folder that is not made yet: %+v", f)
	}
}

func TestStore(t *testing.T) {
	told(t, synced(time.Millisecond), Fine, "store.sync")
	told(t, synced(50*time.Millisecond), Warn, "store.sync_slow")
	told(t, synced(time.Second), Fail, "store.sync_bad")
	told(t, Opened(ledger.Stats{Engine: "sqlite", Schema: 1, Bytes: 1 << 20}, nil), Fine, "store.open")
	told(t, Opened(ledger.Stats{}, errors.New("gone")), Fail, "store.broken")
	told(t, Unopened(errors.New("refused")), Fail, "store.unopened")
	dir := t.TempDir()
	if f := Sync(dir); f.Check != Store || len(f.Args) != 1 {
		t.Fatalf("%+v", f)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Fatalf("the trial left %v, %v", left, err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	told(t, Sync(file), Fail, "store.unwritable")
}

func TestClock(t *testing.T) {
	at := func(d time.Duration) map[string]time.Duration { return map[string]time.Duration{"a": d} }
	told(t, Times(nil), Skipped, "clock.unknown")
	told(t, Times(at(2*time.Second)), Fine, "clock.fine")
	told(t, Times(at(10*time.Second)), Warn, "clock.off_behind")
	told(t, Times(at(-10*time.Second)), Warn, "clock.off_ahead")
	told(t, Times(at(10*time.Minute)), Fail, "clock.wrong_behind")
	told(t, Times(at(-10*time.Minute)), Fail, "clock.wrong_ahead")
	// One vendor with a wrong clock does not make ours wrong.
	told(t, Times(map[string]time.Duration{"a": 0, "b": time.Hour, "c": time.Second}), Fine, "clock.fine")
	for _, f := range Offline() {
		told(t, f, Skipped, f.Check+".offline")
	}
}

func noProxy(*http.Request) (*url.URL, error) { return nil, nil }

func TestReach(t *testing.T) {
	var path string
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.RequestURI()
		w.Header().Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusNotFound)
	}))
	defer plain.Close()
	d := Dialer{Proxy: noProxy}
	way := d.Go(t.Context(), "crm", plain.URL+"/hook?token=secret")
	told(t, way.Findings[0], Fine, "reach.fine")
	if !way.Timed || (way.Ahead-time.Hour).Abs() > 5*time.Second {
		t.Fatalf("its clock is said to be %s ahead", way.Ahead)
	}
	if path != "/" || strings.Contains(way.Findings[0].Text, "token") {
		t.Fatalf("it asked for %q and said %q", path, way.Findings[0].Text)
	}
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	secure.Config.ErrorLog = nil
	told(t, d.Go(t.Context(), "crm", secure.URL).Findings[0], Fail, "reach.tls")
	trusting := Dialer{Proxy: noProxy, TLS: &tls.Config{InsecureSkipVerify: true}}
	told(t, trusting.Go(t.Context(), "crm", secure.URL).Findings[0], Fine, "reach.fine")
	later := time.Now().AddDate(100, 0, 0)
	trusting.Now = func() time.Time { return later } // every certificate has ended by then
	way = trusting.Go(t.Context(), "crm", secure.URL)
	told(t, way.Findings[1], Warn, "reach.cert_soon")

	gone := "http://" + porttest.Free()
	told(t, d.Go(t.Context(), "crm", gone).Findings[0], Fail, "reach.tcp")
	told(t, d.Go(t.Context(), "crm", "http://no-such-host.invalid/").Findings[0], Fail, "reach.dns")
	told(t, d.Go(t.Context(), "crm", "nothing").Findings[0], Fail, "reach.url")

	hasty := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer hasty.Close()
	told(t, d.Go(t.Context(), "crm", hasty.URL).Findings[0], Fail, "reach.lost")

	to := func(s string) func(*http.Request) (*url.URL, error) {
		return func(*http.Request) (*url.URL, error) { return url.Parse(s) }
	}
	told(t, Dialer{Proxy: to(plain.URL)}.Go(t.Context(), "crm", "http://vendor.invalid/").Findings[0], Fine, "reach.proxy")
	told(t, Dialer{Proxy: to(gone)}.Go(t.Context(), "crm", "http://vendor.invalid/").Findings[0], Fail, "reach.proxy_lost")
}

// pinged answers a ping as it is told.
type pinged struct{ err error }

func (pinged) Close() error                 { return nil }
func (p pinged) Ping(context.Context) error { return p.err }

type mute struct{}

func (mute) Close() error { return nil }

type breaks struct{ mute }

func (breaks) Ping(context.Context) error { panic("broken") }

func TestCredentials(t *testing.T) {
	vendor := func(k connectors.Kind, code, said string) connectors.Connection {
		return pinged{&connectors.Error{Kind: k, Scope: connectors.OfConnection, Code: code, Text: said, Hint: "a hint"}}
	}
	for _, c := range []struct {
		conn  connectors.Connection
		state State
		code  string
	}{
		{pinged{}, Fine, "credentials.fine"},
		{mute{}, Skipped, "credentials.no_ping"},
		{breaks{}, Fail, "credentials.failed"},
		{vendor(connectors.Unauthorized, "40125", "invalid appsecret"), Fail, "credentials.unauthorized"},
		{vendor(connectors.Forbidden, "40164", "invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: 6565-1"), Fail, "address.refused"},
		{vendor(connectors.Forbidden, "48001", "api unauthorized"), Fail, "credentials.forbidden"},
		{vendor(connectors.Quota, "45009", "reach max api daily quota limit"), Fail, "quota.used_up"},
		{vendor(connectors.Unavailable, "http.502", "bad gateway"), Fail, "credentials.unavailable"},
		{vendor(connectors.Unclassified, "9999", "?"), Fail, "credentials.failed"},
		{pinged{errors.New("something")}, Fail, "credentials.failed"},
	} {
		list := Ping(t.Context(), "shop", c.conn)
		if len(list) != 1 {
			t.Fatalf("%s: %+v", c.code, list)
		}
		told(t, list[0], c.state, c.code)
	}
	if f := Ping(t.Context(), "shop", vendor(connectors.Forbidden, "40164", "invalid ip 203.0.113.7, not in whitelist"))[0]; f.Args[0] != "203.0.113.7" || !strings.Contains(f.Remedy, "203.0.113.7") {
		t.Fatalf("the address is not named: %+v", f)
	}
}

func TestTheAddressThatAVendorSaw(t *testing.T) {
	for said, want := range map[string]string{
		"invalid ip 203.0.113.7, not in whitelist": "203.0.113.7",
		"client ip:203.0.113.7.":                   "203.0.113.7",
		"from ::ffff:203.0.113.7 refused":          "203.0.113.7",
		"from 2001:db8::17 refused":                "2001:db8::17",
		"ip 10.1.2.3 behind 203.0.113.9":           "203.0.113.9",
		"version 1.2.3, rid 65657-8":               "",
		"at 12:30:45":                              "",
		"":                                         "",
	} {
		if got := addressIn(said); got != want {
			t.Errorf("in %q it found %q, want %q", said, got, want)
		}
	}
}

func TestLimitsGatesAndMappings(t *testing.T) {
	if _, near := Used("shop", "day", 10, 100); near {
		t.Fatal("a tenth is near")
	}
	if _, near := Used("shop", "calls", 10, 0); near {
		t.Fatal("a limit without a count is near")
	}
	f, _ := Used("shop", "day", 95, 100)
	told(t, f, Warn, "quota.near")
	for reason, code := range map[string]string{"pause": "gate.paused", "auth": "gate.auth", "quota": "gate.quota", "outage": "gate.outage"} {
		state := Fail
		if reason == "pause" {
			state = Warn
		}
		told(t, Closed(ledger.Gate{Connection: "oms", Operation: "order.push", Reason: reason, Code: "x", Until: time.Now()}), state, code)
	}
	told(t, Orphans("old", 3), Fail, "gate.orphan")
	told(t, Fails("mappings/a.yaml", 3, 5, 6), Fail, "mapping.suspect")
}

func TestTheWorstAndTheOrder(t *testing.T) {
	list := []Finding{Fails("m", 1, 1, 1), space(100<<30, true), synced(50 * time.Millisecond)}
	Sort(list)
	if list[0].Check != Disk || list[2].Check != Mapping || Worst(list) != Fail || Worst(list[:2]) != Warn || Worst(list[:1]) != Fine {
		t.Fatalf("%+v", list)
	}
	// What a newer hub found is told in its words.
	f := Finding{Code: "doctor.future.thing", Text: "so it is", Remedy: "do that"}
	if said, remedy := f.Say(text.In("zh_CN")); said != "so it is" || remedy != "do that" {
		t.Fatalf("%q, %q", said, remedy)
	}
}
