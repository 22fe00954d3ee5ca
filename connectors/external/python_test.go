package external_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/minihub/minihub/connectors/connectortest"
	"github.com/minihub/minihub/connectors/connectortest/habits"
	"github.com/minihub/minihub/connectors/external"
	"github.com/minihub/minihub/connectors/simkit"
)

func python(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") == "true":
		t.Fatal("python3 is not installed")
	default:
		t.Skip("python3 is not installed")
	}
	return ""
}

// A connector in another language, with no library, passes the same suite. Its
// description is the one that Declare writes.
func TestPythonConforms(t *testing.T) {
	python(t)
	src, err := external.Declare(t.Context(), "testdata", "uploads", []string{"python3", "uploads.py"})
	if err != nil {
		t.Fatal(err)
	}
	c, problems := external.LoadIn("testdata", "uploads", src)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	connectortest.Run(t, connectortest.Suite{
		Waivers:   map[string]string{"dry_run": noDryRun},
		Connector: c,
		Start: func(t *testing.T) *connectortest.System {
			faults := simkit.NewFaults(1)
			sim := habits.NewOneShot(faults)
			sys := at(t, "oneshot", faults, sim)
			sys.Effects = func(_, key string) int { return sim.Effects(key) }
			return sys
		},
		Operations: []connectortest.Operation{{
			Name: habits.OneShotOperation, Call: habits.OneShotPost, Look: habits.OneShotLook, Document: document, Bad: bad, UnknownCode: "E-77", Looks: true,
		}},
	})
}
