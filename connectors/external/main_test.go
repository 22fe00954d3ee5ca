package external_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/connectortest/habits"
	"github.com/minihub/minihub/connectors/external"
	"github.com/minihub/minihub/connectors/external/program"
	"github.com/minihub/minihub/connectors/external/wire"
	"github.com/minihub/minihub/connectors/jushuitan"
	"github.com/minihub/minihub/connectors/webhook"
)

// programEnv makes the test binary one of the programs below.
const programEnv = "MINIHUB_TEST_PROGRAM"

func programs() map[string]*connectors.Connector {
	return map[string]*connectors.Connector{
		"webhook":   webhook.Connector(),
		"jushuitan": jushuitan.Connector(),
		"pool":      habits.PoolConnector(),
		"async":     habits.AsyncConnector(),
		"oneshot":   habits.OneShotConnector(),
		"steps":     stepsConnector(),
		"mortal":    mortalConnector(),
	}
}

func TestMain(m *testing.M) {
	switch name := os.Getenv(programEnv); {
	case name == "":
		goleak.VerifyTestMain(m)
	case rogues[name] != nil:
		rogues[name](os.Stdin, os.Stdout)
		os.Exit(0)
	default:
		program.Main(programs()[name])
	}
}

// described is the description of a Go connector that the test binary serves.
func described(t testing.TB, c *connectors.Connector) []byte {
	t.Helper()
	declared := *c
	declared.Name = ""
	return describedAs(t, c.Name, declared)
}

func describedAs(t testing.TB, as string, declared connectors.Connector) []byte {
	t.Helper()
	raw, err := wire.Encode(declared)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	// Under the race detector a process would sleep a second before each of its ends.
	env := map[string]string{programEnv: as, "GORACE": "atexit_sleep_ms=0"}
	src, err := yaml.Marshal(map[string]any{"kind": "program", "command": []string{os.Args[0]}, "env": env, "declaration": tree})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// loaded is a Go connector as a program of its own.
func loaded(t testing.TB, c *connectors.Connector) *connectors.Connector {
	t.Helper()
	return load(t, c.Name, described(t, c))
}

func load(t testing.TB, name string, src []byte) *connectors.Connector {
	t.Helper()
	out, problems := external.Load(name, src)
	if len(problems) > 0 {
		t.Fatal(fmt.Sprint(problems))
	}
	return out
}
