package connectortest_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/connectortest"
	"github.com/minihub/minihub/connectors/connectortest/habits"
)

// flawEnv tells a child process which flaw to build into a connector.
const flawEnv = "CONNECTORTEST_FLAW"

// flaw is one lie a connector could tell, and the check that must find it out.
type flaw struct {
	check string
	spoil func(*connectors.Connector)
}

func flaws() map[string]flaw {
	result := func(f func(*connectors.Result)) func(*connectors.Connector) {
		return wrapped(func(s *spoiled) { s.result = f })
	}
	return map[string]flaw{
		"a dropped answer is called not sent": {"deliver.drop_answer", result(func(r *connectors.Result) {
			if r.Outcome == connectors.Unknown {
				r.Outcome = connectors.NotSent
				r.Err.Sent = false
			}
		})},
		"everything is done": {"deliver.error_body", result(func(r *connectors.Result) { r.Outcome = connectors.Done })},
		"no wait at the limit": {"deliver.rate_limit", result(func(r *connectors.Result) {
			if r.Err != nil {
				r.Err.Wait = 0
			}
		})},
		"a secret in an error": {"deliver.error_body", result(func(r *connectors.Result) {
			if r.Err != nil {
				r.Err.Text += " for " + habits.Token
			}
		})},
		"a foreign id": {"deliver.done", result(func(r *connectors.Result) { r.ID += "x" })},
		"no exchange":  {"deliver.done", result(func(r *connectors.Result) { r.Exchanges = nil })},
		"an unclassified code refused": {"deliver.unclassified", result(func(r *connectors.Result) {
			if r.Err != nil && r.Err.Kind == connectors.Unclassified {
				r.Outcome, r.Err.Kind = connectors.Refused, connectors.Invalid
			}
		})},
		"a look-up that says absent": {"lookup.same", wrapped(func(s *spoiled) {
			s.finding = func(f *connectors.Finding) { f.Presence = connectors.Absent }
		})},
		"a look-up that never compares": {"lookup.other", wrapped(func(s *spoiled) {
			s.finding = func(f *connectors.Finding) { f.Presence = connectors.Same }
		})},
		"a polled refusal is done": {"poll.refused", wrapped(func(s *spoiled) {
			s.polled = func(r *connectors.Result) { r.Outcome = connectors.Done }
		})},
		"a dry run that writes": {"dry_run.same", wrapped(func(s *spoiled) { s.wet = true })},
		"a dry run that shows another document": {"dry_run.same", wrapped(func(s *spoiled) {
			s.rehearsed = func(d *connectors.Delivery) {
				d.Document = []byte(strings.Replace(string(d.Document), `"total":"`, `"total":"1`, 1))
			}
		})},
		"a leaked goroutine": {"leak", wrapped(func(*spoiled) { go func() { select {} }() })},
		"a missing sample": {"declaration", func(c *connectors.Connector) {
			c.Operations = append(c.Operations, connectors.Operation{Name: "other"})
		}},
		"an optional field called required": {"config", func(c *connectors.Connector) {
			c.Config = append(c.Config, connectors.Field{Name: "url", Kind: connectors.FieldURL, Required: true, Text: "again"})
		}},
	}
}

// spoiled changes what an async connection says.
type spoiled struct {
	connectors.Connection
	result, polled func(*connectors.Result)
	finding        func(*connectors.Finding)
	rehearsed      func(*connectors.Delivery)
	wet            bool // dry runs are not honoured
}

func (s *spoiled) DryRuns() {}

func wrapped(spoil func(*spoiled)) func(*connectors.Connector) {
	return func(c *connectors.Connector) {
		open := c.Open
		c.Open = func(ctx context.Context, cfg connectors.Config, env connectors.Env) (connectors.Connection, error) {
			conn, err := open(ctx, cfg, env)
			s := &spoiled{Connection: conn, result: func(*connectors.Result) {}, polled: func(*connectors.Result) {}, finding: func(*connectors.Finding) {}}
			spoil(s)
			return s, err
		}
	}
}

func (s *spoiled) Deliver(ctx context.Context, op string, batch []connectors.Delivery) ([]connectors.Result, error) {
	if dry := connectors.DryRunOf(ctx); dry != nil {
		if s.rehearsed != nil {
			s.rehearsed(&batch[0])
		}
		if s.wet {
			_ = dry.Pass(ctx, connectors.Exchange{Method: "POST"}, false)
			ctx = context.WithoutCancel(connectors.WithDryRun(ctx, nil))
		}
	}
	res, err := s.Connection.(connectors.Sink).Deliver(ctx, op, batch)
	for i := range res {
		s.result(&res[i])
	}
	return res, err
}

func (s *spoiled) Poll(ctx context.Context, op string, tickets []connectors.Ticket) ([]connectors.Result, error) {
	res, err := s.Connection.(connectors.Poller).Poll(ctx, op, tickets)
	for i := range res {
		s.polled(&res[i])
	}
	return res, err
}

func (s *spoiled) Lookup(ctx context.Context, op string, batch []connectors.Delivery) ([]connectors.Finding, error) {
	found, err := s.Connection.(connectors.Looker).Lookup(ctx, op, batch)
	for i := range found {
		s.finding(&found[i])
	}
	return found, err
}

// TestFlawed is what the child process runs; alone it has nothing to do.
func TestFlawed(t *testing.T) {
	name := os.Getenv(flawEnv)
	if name == "" {
		t.Skip("runs in a child process of TestTheSuiteFindsFlaws")
	}
	c := habits.AsyncConnector()
	flaws()[name].spoil(c)
	connectortest.Run(t, asyncSuite(c))
}

func TestTheSuiteFindsFlaws(t *testing.T) {
	for name, f := range flaws() {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFlawed$", "-test.timeout=60s")
			cmd.Env = append(os.Environ(), flawEnv+"="+name)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatalf("the flawed connector conforms:\n%s", out)
			}
			if !strings.Contains(string(out), "FAIL: TestFlawed/"+f.check) && !strings.Contains(string(out), f.check+": found") {
				t.Errorf("check %s did not find it:\n%s", f.check, out)
			}
		})
	}
}
