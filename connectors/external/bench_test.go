package external_test

import (
	"encoding/json"
	"testing"

	"github.com/minihub/minihub/connectors"
)

// BenchmarkCall is what the pipe costs: one delivery that does nothing.
func BenchmarkCall(b *testing.B) {
	conn, err := loaded(b, stepsConnector()).OpenConnection(b.Context(), connectors.Config{}, connectors.Env{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for b.Loop() {
		if _, err := conn.(connectors.Sink).Deliver(b.Context(), "doc.push", []connectors.Delivery{{ID: "D", Key: "K", Document: json.RawMessage(`"x"`)}}); err != nil {
			b.Fatal(err)
		}
	}
}
