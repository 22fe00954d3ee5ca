package sqldb

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/connectors"
)

// example is one description of the guide with the tables before it and the document
// behind it.
type example struct{ setup, yaml, document string }

func guide(t *testing.T) []example {
	t.Helper()
	src, err := os.ReadFile("GUIDE.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []example
	var next example
	for i, block := range strings.Split(string(src), "```") {
		if i%2 == 0 {
			continue
		}
		kind, body, _ := strings.Cut(block, "\n")
		switch kind {
		case "sql":
			next = example{setup: body}
		case "yaml":
			next.yaml = body
		case "json":
			next.document = strings.TrimSpace(body)
			out = append(out, next)
		case "text":
		default:
			t.Errorf("a block of kind %q", kind)
		}
	}
	return out
}

func TestExamplesOfTheGuideRun(t *testing.T) {
	examples := guide(t)
	if len(examples) != 3 {
		t.Fatalf("%d examples", len(examples))
	}
	for _, e := range examples {
		driver := driverPostgres
		if strings.Contains(e.yaml, "driver: mysql") {
			driver = driverMySQL
		}
		t.Run(driver, func(t *testing.T) {
			if bad := validate(t, []byte(e.yaml)); len(bad) > 0 {
				t.Errorf("the schema refuses it: %v", bad)
			}
			srv := start(t, driver)
			srv.exec(e.setup)
			_, description, _ := strings.Cut(e.yaml, "driver: "+driver)
			if _, rest, ok := strings.Cut(description, "\n"); ok {
				description = rest
			}
			c := srv.connect(description)
			if err := c.Ping(t.Context()); err != nil {
				t.Fatalf("%+v", err)
			}
			for name := range c.streams {
				w := connectors.Window{From: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}
				items, _ := pull(t, c, name, "", w)
				if len(items) == 0 {
					t.Fatalf("%s yields nothing", name)
				}
				if d := cmp.Diff(e.document, string(items[0].Body)); d != "" {
					t.Errorf("the guide (-) and the document (+) differ: %s", d)
				}
			}
			for _, name := range []string{"order.upsert", "order.cancel"} {
				if c.operation[name] == nil {
					continue
				}
				for range 2 {
					want(t, deliver(t, c, name, "SH-A1001", e.document), connectors.Done, "")
				}
			}
			if c.operation["order.upsert"] != nil {
				if got := srv.value("SELECT status || ' ' || (SELECT count(*) FROM hub_lines) FROM hub_orders"); got != "cancelled 2" {
					t.Errorf("the tables hold %s", got)
				}
			}
			if !json.Valid([]byte(e.document)) {
				t.Error("the guide's document is no JSON")
			}
		})
	}
}
