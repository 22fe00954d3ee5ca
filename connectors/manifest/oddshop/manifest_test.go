package oddshop

import (
	"os"
	"testing"

	"github.com/minihub/minihub/connectors/manifest"
)

// TestTheManifestLoads reads what was written from the guide alone.
func TestTheManifestLoads(t *testing.T) {
	src, err := os.ReadFile("testdata/hub/connectors/oddshop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, problems := manifest.Load("oddshop", src)
	for _, p := range problems {
		t.Error(p)
	}
	if t.Failed() {
		return
	}
	if s, ok := c.Stream("orders"); !ok || !s.Complete || s.FetchBatch != 20 {
		t.Errorf("stream orders: %+v", s)
	}
}
