package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minihub/minihub/cmd/minihub/internal/cli"
	"github.com/minihub/minihub/connectors/external"
	"github.com/minihub/minihub/connectors/external/program"
	"github.com/minihub/minihub/connectors/webhook"
)

// serveEnv makes the test binary a connector of its own.
const serveEnv = "MINIHUB_TEST_SERVES"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == serveEnv {
		program.Main(webhook.Connector())
	}
	os.Exit(m.Run())
}

func command(t *testing.T, locale string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = cli.Run(t.Context(), args, cli.Streams{In: strings.NewReader(""), Out: &o, Err: &e, Locale: locale})
	return code, o.String(), e.String()
}

func TestConnectorNewSaysTheNextSteps(t *testing.T) {
	dir := t.TempDir()
	code, out, errs := command(t, "C", "connector", "new", "acme", "--dir", dir)
	if code != cli.Fine || errs != "" {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for _, want := range []string{"  connectors/acme/errors.go\n", "  connectors/acme/acmesim/sim.go\n", "  mappings/acme/out/order.yaml\n", "  schemas/vendors/acme/order.push.schema.json\n",
		"go test ./connectors/acme/...", "minihub connectors declare acme -- ./bin/acme", "docs/new-connector.md"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "connectors", "acme", "sink.go")); err != nil {
		t.Error(err)
	}
	if code, _, errs = command(t, "C", "connector", "new", "acme", "--dir", dir); code != cli.Input || !strings.Contains(errs, "is there already") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if code, _, errs = command(t, "zh_CN.UTF-8", "connector", "new", "acme", "--dir", dir); code != cli.Input || !strings.Contains(errs, "已经存在") {
		t.Errorf("exit %d: %s", code, errs)
	}
	code, out, _ = command(t, "C", "connector", "new", "ecma", "--dir", dir, "--json")
	var made struct {
		OK        bool
		Connector struct{ Module string }
	}
	if err := json.Unmarshal([]byte(out), &made); err != nil || code != cli.Fine || !made.OK || made.Connector.Module != "example.com/acme" {
		t.Errorf("exit %d %v: %s", code, err, out)
	}
}

func TestConnectorNewRefusesWhatItCannotUse(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"Acme"}, "small letters"}, {[]string{"func"}, "a word of Go"}, {[]string{"acmesim"}, "ends in sim"},
		{[]string{"acme", "--dir", filepath.Join(dir, "none")}, "is not a folder"},
		{[]string{"acme", "--dir", dir, "--module", "not a path"}, "cannot be the path of a module"},
		{[]string{"acme", "--dir", dir, "--minihub", dir}, "--minihub"},
		{nil, "wrong number of arguments"},
	} {
		code, _, errs := command(t, "C", append([]string{"connectors", "new"}, c.args...)...)
		if code != cli.Input || !strings.Contains(errs, c.want) {
			t.Errorf("%q: exit %d: %s", c.args, code, errs)
		}
	}
}

func TestConnectorsDeclarePrintsADescription(t *testing.T) {
	dir := t.TempDir()
	code, out, errs := command(t, "C", "-c", dir, "connectors", "declare", "mywebhook", "--", os.Args[0], serveEnv)
	if code != cli.Fine {
		t.Fatalf("exit %d: %s", code, errs)
	}
	c, problems := external.LoadIn(dir, "mywebhook", []byte(out))
	if len(problems) > 0 || c.Name != "mywebhook" || len(c.Operations) != 2 {
		t.Errorf("%v\n%s", problems, out)
	}
	if code, _, errs = command(t, "C", "-c", dir, "connectors", "declare", "mywebhook"); code != cli.Input || !strings.Contains(errs, "no command") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if code, _, errs = command(t, "C", "-c", dir, "connectors", "declare", "mywebhook", "--", "sh", "-c", "exit 3"); code != cli.Input || !strings.Contains(errs, "exit status 3") {
		t.Errorf("exit %d: %s", code, errs)
	}
}
