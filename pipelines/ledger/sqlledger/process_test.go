package sqlledger_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

// childEnv makes the test binary write to the store it names until it is killed.
const childEnv = "MINIHUB_TEST_LEDGER_CHILD"

func TestMain(m *testing.M) {
	if url := os.Getenv(childEnv); url != "" {
		fmt.Fprintln(os.Stderr, writeForever(url))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForever prints what the ledger has acknowledged: "record body" and "delivery id".
func writeForever(url string) error {
	ctx := context.Background()
	s, err := sqlledger.Open(ctx, sqlledger.Options{URL: url, Secret: secret, WaitOwner: 20 * time.Second, LeaseTTL: time.Second})
	if err != nil {
		return err
	}
	fmt.Println("open")
	var mu sync.Mutex
	failed := make(chan error)
	for c := range 16 {
		go func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("%d-%d-%d", os.Getpid(), c, i)
				it := &ledger.IntakeItem{Entity: "order", Key: key, RootEnt: "order", RootKey: key, Version: 1, Body: []byte(key)}
				if err := s.Commit(ctx, &ledger.Intake{Connection: "shop", Stream: "orders", Items: []*ledger.IntakeItem{it}}); err != nil {
					failed <- err
					return
				}
				mu.Lock()
				fmt.Printf("record %d %s\n", it.ID, key)
				mu.Unlock()
				d := &ledger.NewDelivery{Flow: "f", Connection: "erp", Operation: "push", RemoteKey: key, Claim: true, State: ledger.Ready}
				r := &ledger.Route{Record: it.ID, To: ledger.RecordRouted, Deliveries: []*ledger.NewDelivery{d}}
				done := &ledger.Start{Attempt: 1}
				if err := s.Commit(ctx, r); err != nil {
					failed <- err
					return
				}
				done.Delivery = d.ID
				if err := s.Commit(ctx, done); err != nil {
					failed <- err
					return
				}
				mu.Lock()
				fmt.Printf("started %d %s\n", d.ID, key)
				mu.Unlock()
			}
		}()
	}
	return <-failed
}

// TestKill kills a writing process without warning and looks for everything it had
// acknowledged.
func TestKill(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		records, started := map[string]string{}, map[string]string{}
		for range 5 {
			for _, line := range runAndKill(t, st, 50+rand.IntN(400)) {
				kind, rest, _ := strings.Cut(line, " ")
				id, key, whole := strings.Cut(rest, " ")
				switch {
				case !whole: // the line the kill cut off, or "open"
				case kind == "record":
					records[id] = key
				case kind == "started":
					started[id] = key
				}
			}
		}
		s := st.open(t, func(o *sqlledger.Options) { o.WaitOwner = 20 * time.Second })
		for id, key := range records {
			var n int64
			fmt.Sscan(id, &n)
			r, err := s.Record(t.Context(), n)
			if err != nil || r.DocKey.Key != key {
				t.Fatalf("acknowledged record %s of %s: %+v, %v", id, key, r, err)
			}
			if body, err := s.Payload(t.Context(), r.Payload); err != nil || string(body) != key {
				t.Fatalf("its payload: %q, %v", body, err)
			}
		}
		for id := range started {
			var n int64
			fmt.Sscan(id, &n)
			if d, err := s.Delivery(t.Context(), n); err != nil || d.State != ledger.Sending || d.Attempts != 1 {
				t.Fatalf("acknowledged start of %s: %+v, %v", id, d, err)
			}
		}
		if len(records) < 100 {
			t.Fatalf("only %d records were acknowledged", len(records))
		}
		t.Logf("%d records and %d starts after five kills", len(records), len(started))
	})
}

// runAndKill starts a child, kills it after it has printed some lines, and returns all
// it printed.
func runAndKill(t *testing.T, st store, lines int) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+st.url)
	var failure bytes.Buffer
	cmd.Stderr = &failure
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var got []string
	in := bufio.NewScanner(out)
	for in.Scan() {
		got = append(got, in.Text())
		if len(got) == lines {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Exited() || len(got) < lines {
		t.Fatalf("the child ended by itself after %d lines: %v\n%s", len(got), err, failure.String())
	}
	return got[:len(got)-1] // the kill may have cut the last one
}

func TestOneOwner(t *testing.T) {
	eachStore(t, func(t *testing.T, st store) {
		ctx := t.Context()
		first, err := sqlledger.Open(ctx, sqlledger.Options{URL: st.url, Secret: secret})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sqlledger.Open(ctx, sqlledger.Options{URL: st.url, Secret: secret}); !errors.Is(err, ledger.ErrOwned) {
			t.Fatalf("a second owner: %v", err)
		}
		opened := make(chan error, 1)
		go func() {
			s, err := sqlledger.Open(ctx, sqlledger.Options{URL: st.url, Secret: secret, WaitOwner: 20 * time.Second})
			if err == nil {
				err = s.Close()
			}
			opened <- err
		}()
		if err := first.Commit(ctx, &ledger.PutLookup{Table: "t", Key: "k", Value: "v"}); err != nil {
			t.Fatalf("the owner cannot write while another waits: %v", err)
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-opened; err != nil {
			t.Fatalf("the one that waited: %v", err)
		}
		if err := first.Commit(ctx, &ledger.PutLookup{}); !errors.Is(err, ledger.ErrClosed) {
			t.Fatalf("a commit after Close: %v", err)
		}
		if _, err := first.Record(ctx, 1); !errors.Is(err, ledger.ErrClosed) {
			t.Fatalf("a read after Close: %v", err)
		}
		if err := first.Close(); err != nil {
			t.Fatalf("a second Close: %v", err)
		}
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		st.open(t)
		if _, err := sqlledger.Open(cancelled, sqlledger.Options{URL: st.url, Secret: secret, WaitOwner: time.Minute}); !errors.Is(err, context.Canceled) {
			t.Fatalf("waiting was not cancelled: %v", err)
		}
	})
}
