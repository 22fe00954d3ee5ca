package filedrop

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minihub/minihub/connectors/connectortest"
)

const conformant = `kind: file
title: A warehouse's exchange folder
docs: https://warehouse.example/exchange
text: Files over SFTP.
streams:
  shipments:
    entity: shipment
    folder: in
    glob: "*.csv"
    format: csv
    key: waybill
    marker: .ok
operations:
  orders.write:
    entity: order
    folder: out
    file: orders-{id}.csv
    format: csv
    batch: 20
    columns:
      order_no: no
      city: city
`

func TestConformance(t *testing.T) {
	noHTTP := "SFTP has no such answer: a request is answered, refused, or the connection ends"
	connectortest.Run(t, connectortest.Suite{
		Connector: mustLoad(t, conformant),
		Start: func(t *testing.T) *connectortest.System {
			s := newServer(t)
			dir := t.TempDir()
			mkdirs(t, dir, "in", "out")
			for n := range 3 {
				name := filepath.Join(dir, "in", fmt.Sprintf("%d.csv", n))
				for path, text := range map[string]string{name: fmt.Sprintf("waybill\nW%d\nV%d\n", n, n), name + ".ok": ""} {
					if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			return &connectortest.System{Name: serverSystem, Faults: s.faults, Values: s.values(dir),
				Effects: func(_, key string) int { return rowsOf(t, dir, key) }}
		},
		Streams: []connectortest.Stream{{Name: "shipments", Want: []string{"W0", "V0", "W1", "V1", "W2", "V2"}}},
		Operations: []connectortest.Operation{{
			Name: "orders.write", Call: "rename", Look: "stat", Looks: true,
			Document: func(key string, change int) json.RawMessage {
				return json.RawMessage(fmt.Sprintf(`{"no":%q,"city":"city %d"}`, key, change))
			},
			Bad: func(key string) json.RawMessage { return json.RawMessage(fmt.Sprintf(`{"no":%q,"city":[]}`, key)) },
		}},
		Waivers: map[string]string{
			"pull.faults":         noHTTP + "; TestALostConnectionIsSaidAndMended pulls over connections that are cut",
			"lookup.fault":        noHTTP,
			"deliver.html":        noHTTP,
			"deliver.bad_gateway": noHTTP,
			"deliver.garble":      noHTTP,
			"deliver.error_body":  noHTTP + "; TestARefusalOfThePlaceIsNoEffect",
			"deliver.rate_limit":  "a folder has no limit of calls",
			"deliver.repeat":      "SSH does not let a request come twice; TestADocumentIsWrittenOnceEvenWhenItsFileIsTaken repeats deliveries",
		},
	})
}

// rowsOf counts the rows of a key in all files that appeared.
func rowsOf(t *testing.T, dir, key string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "out", "*.csv"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		n += strings.Count(string(b), "\n"+key+",")
	}
	return n
}
