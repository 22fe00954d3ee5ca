package jushuitan_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/connectortest"
	"github.com/minihub/minihub/connectors/jushuitan"
	"github.com/minihub/minihub/connectors/jushuitan/jushuitansim"
	"github.com/minihub/minihub/connectors/simkit"
)

// connect opens a connection; vault and now may be nil.
func connect(t *testing.T, v connectors.Values, vault connectors.Vault, now func() time.Time) connectors.Connection {
	t.Helper()
	cfg, errs := connectors.NewConfig(jushuitan.Connector().Config, v)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	conn, err := jushuitan.Connector().OpenConnection(t.Context(), cfg, connectors.Env{Vault: vault, Name: "oms", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func ping(t *testing.T, conn connectors.Connection) error {
	t.Helper()
	return conn.(connectors.Pinger).Ping(t.Context())
}

func TestARenewedPairIsKeptInTheVault(t *testing.T) {
	sim, sys := start(t, jushuitansim.Options{})
	vault := &connectortest.Vault{}
	first := connect(t, sys.Values, vault, nil)
	sim.ExpireToken()
	if err := ping(t, first); err != nil {
		t.Fatal(err)
	}
	if n := renewals(sim); n != 1 {
		t.Fatalf("%d token calls, want 1", n)
	}
	// The configured pair is dead by now: after a restart only the vault's works.
	second := connect(t, sys.Values, vault, nil)
	if err := ping(t, second); err != nil {
		t.Fatal(err)
	}
	if n := renewals(sim); n != 1 {
		t.Errorf("%d token calls after a restart, want still 1", n)
	}
	// One of two running connections renews; the other takes the vault's pair.
	sim.ExpireToken()
	for _, conn := range []connectors.Connection{first, second} {
		if err := ping(t, conn); err != nil {
			t.Fatal(err)
		}
	}
	if n := renewals(sim); n != 2 {
		t.Errorf("%d token calls for two connections, want 2", n)
	}
}

func TestAnOwnAppWithoutTokensGetsAPair(t *testing.T) {
	sim, sys := start(t, jushuitansim.Options{})
	delete(sys.Values.Secrets, "access_token")
	delete(sys.Values.Secrets, "refresh_token")
	if err := ping(t, connect(t, sys.Values, nil, nil)); err != nil {
		t.Fatal(err)
	}
	if n := renewals(sim); n != 1 {
		t.Errorf("%d token calls, want 1", n)
	}
}

func TestADeadRefreshTokenSendsAnOwnAppForANewPair(t *testing.T) {
	sim, sys := start(t, jushuitansim.Options{})
	sys.Values.Secrets["refresh_token"] = connectors.NewSecret("invented-dead-token")
	sim.ExpireToken()
	if err := ping(t, connect(t, sys.Values, &connectortest.Vault{}, nil)); err != nil {
		t.Fatal(err)
	}
}

func TestAServiceProvidersAppAsksForAPerson(t *testing.T) {
	sim, sys := start(t, jushuitansim.Options{ISV: true})
	sys.Values.Text["app"] = "isv"
	conn := connect(t, sys.Values, nil, nil)
	if err := ping(t, conn); err != nil {
		t.Fatal(err)
	}
	sim.ExpireToken()
	e := connectors.AsError(ping(t, conn))
	if e == nil || e.Kind != connectors.Unauthorized || e.Scope != connectors.OfConnection || e.Sent || !strings.Contains(e.Hint, "authorise") {
		t.Fatalf("error %+v", e)
	}
	delete(sys.Values.Secrets, "access_token")
	cfg, _ := connectors.NewConfig(jushuitan.Connector().Config, sys.Values)
	if _, err := jushuitan.Connector().OpenConnection(t.Context(), cfg, connectors.Env{}); err == nil || !strings.Contains(err.Error(), "access_token") {
		t.Errorf("without a token: %v", err)
	}
}

func TestATokenIsRenewedBeforeItsEnd(t *testing.T) {
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	faults := simkit.NewFaults(1)
	sim := jushuitansim.New(jushuitansim.Options{Options: simkit.Options{Faults: faults, Now: now, LimitScale: 1000}, TokenTTL: time.Hour})
	srv := httptest.NewServer(sim)
	t.Cleanup(srv.Close)
	creds := sim.Credentials()
	conn := connect(t, connectors.Values{
		Text:    map[string]string{"url": srv.URL, "app_key": creds["app_key"]},
		Secrets: map[string]connectors.Secret{"app_secret": connectors.NewSecret(creds["app_secret"])},
	}, &connectortest.Vault{}, now)
	for _, step := range []struct {
		after time.Duration
		calls int
	}{{0, 1}, {45 * time.Minute, 1}, {6 * time.Minute, 2}} {
		ahead.Add(int64(step.after))
		if err := ping(t, conn); err != nil {
			t.Fatal(err)
		}
		if n := renewals(sim); n != step.calls {
			t.Errorf("%v in: %d token calls, want %d", time.Duration(ahead.Load()), n, step.calls)
		}
	}
}

func TestAClockThatIsOffIsCorrectedFromTheAnswer(t *testing.T) {
	_, sys := start(t, jushuitansim.Options{})
	conn := connect(t, sys.Values, nil, func() time.Time { return time.Now().Add(-time.Hour) })
	for range 2 {
		if err := ping(t, conn); err != nil {
			t.Fatal(err)
		}
	}
}

func TestATokenThatTheVendorQuotesIsMasked(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"code":130,"msg":"bad call with ` + r.PostFormValue("access_token") + `"}`))
	}))
	defer srv.Close()
	const secret = "invented-access-token"
	conn := connect(t, connectors.Values{Text: map[string]string{"url": srv.URL, "app_key": "k"}, Secrets: map[string]connectors.Secret{
		"app_secret": connectors.NewSecret("invented-app-secret"), "access_token": connectors.NewSecret(secret)}}, nil, nil)
	res, err := conn.(connectors.Sink).Deliver(t.Context(), "order.push", []connectors.Delivery{{ID: "1", Key: "A", Document: order("A", 0)}})
	if err != nil || len(res) != 1 || res[0].Err == nil {
		t.Fatalf("%+v %v", res, err)
	}
	if x := res[0].Exchanges[0]; strings.Contains(res[0].Err.Error()+x.Response+x.Request, secret) {
		t.Errorf("the token is shown: %v %+v", res[0].Err, x)
	}
}

// brokenVault answers every call with an error.
type brokenVault struct{ connectors.Vault }

func (brokenVault) Get(context.Context, string) (connectors.Secret, int64, error) {
	return connectors.Secret{}, 0, context.DeadlineExceeded
}

func TestAVaultThatCannotBeReadIsNoUnknownOutcome(t *testing.T) {
	_, sys := start(t, jushuitansim.Options{})
	conn := connect(t, sys.Values, brokenVault{}, nil)
	res, err := conn.(connectors.Sink).Deliver(t.Context(), "order.push", []connectors.Delivery{{ID: "1", Key: "A", Document: order("A", 0)}})
	if err != nil || res[0].Outcome != connectors.NotSent || res[0].Err.Kind != connectors.Unavailable {
		t.Fatalf("%+v %v", res, err)
	}
}

// racingVault lets another process win the first swap; it keeps that one's pair.
type racingVault struct {
	connectortest.Vault
	other func() connectors.Secret
	swaps int
}

func (v *racingVault) Swap(ctx context.Context, name string, version int64, next connectors.Secret) error {
	if v.swaps++; v.swaps == 1 {
		if err := v.Vault.Swap(ctx, name, version, v.other()); err != nil {
			return err
		}
	}
	return v.Vault.Swap(ctx, name, version, next)
}

func TestTheVaultsPairWinsARace(t *testing.T) {
	sim, sys := start(t, jushuitansim.Options{})
	vault := &racingVault{other: func() connectors.Secret {
		c := sim.Credentials()
		return connectors.NewSecret(`{"access":"` + c["access_token"] + `","refresh":"` + c["refresh_token"] + `"}`)
	}}
	conn := connect(t, sys.Values, vault, nil)
	sim.ExpireToken()
	for range 2 {
		if err := ping(t, conn); err != nil {
			t.Fatal(err)
		}
	}
	if vault.swaps != 1 {
		t.Errorf("%d swaps, want the one that was lost", vault.swaps)
	}
}

// fullVault keeps nothing.
type fullVault struct{ connectortest.Vault }

func (*fullVault) Swap(context.Context, string, int64, connectors.Secret) error {
	return errors.New("disk full")
}

func TestAPairThatCannotBeKeptStillServes(t *testing.T) {
	sim, sys := start(t, jushuitansim.Options{})
	conn := connect(t, sys.Values, &fullVault{}, nil)
	for n := range 2 {
		sim.ExpireToken()
		if err := ping(t, conn); err != nil {
			t.Fatalf("expiry %d: %v", n+1, err)
		}
	}
}

func lives(conn connectors.Connection) []connectors.Credential {
	return conn.(connectors.Expirer).CredentialEnds()
}

func TestHowLongATokenLives(t *testing.T) {
	_, sys := start(t, jushuitansim.Options{})
	delete(sys.Values.Secrets, "access_token")
	delete(sys.Values.Secrets, "refresh_token")
	own := connect(t, sys.Values, nil, nil)
	if got := lives(own); got != nil {
		t.Errorf("before any call: %+v", got)
	}
	if err := ping(t, own); err != nil {
		t.Fatal(err)
	}
	got := lives(own)
	if len(got) != 1 || got[0].Name != "access token" || !got[0].Renews || got[0].Ends.Sub(time.Now().Add(30*24*time.Hour)).Abs() > time.Minute {
		t.Errorf("an own app has %+v", got)
	}
}

// What a merchant authorised is the merchant's to renew.
func TestHowLongAnAuthorisationLives(t *testing.T) {
	_, sys := start(t, jushuitansim.Options{ISV: true})
	sys.Values.Text["app"] = "isv"
	until := time.Now().Add(48 * time.Hour).Truncate(time.Second)
	sys.Values.Text["authorized_until"] = until.Format(time.RFC3339)
	conn := connect(t, sys.Values, nil, nil)
	want := func() {
		t.Helper()
		if got := lives(conn); len(got) != 1 || got[0].Renews || !got[0].Ends.Equal(until) {
			t.Errorf("the app has %+v, want one until %s that a person renews", got, until)
		}
	}
	want()
	if err := ping(t, conn); err != nil {
		t.Fatal(err)
	}
	want()
	sys.Values.Text["authorized_until"] = "in May"
	cfg, _ := connectors.NewConfig(jushuitan.Connector().Config, sys.Values)
	if _, err := jushuitan.Connector().OpenConnection(t.Context(), cfg, connectors.Env{}); err == nil || !strings.Contains(err.Error(), "authorized_until") {
		t.Errorf("a time that is none: %v", err)
	}
}
