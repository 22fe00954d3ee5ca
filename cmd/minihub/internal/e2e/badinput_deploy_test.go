package e2e

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minihub/minihub/cmd/minihub/internal/cli"
)

// hookSecret is invented: it signs what these tests post to the hub.
const hookSecret = "whsec_bm90LWEtc2VjcmV0LWJ1dC1pbnZlbnRlZC1mb3ItdGVzdHM="

// files is a deployment by path.
type files map[string]string

// notes is a deployment whose one flow takes signed notes and posts signed events. The
// shapes are the tests' own, so that every field is there for one kind of mistake.
func notes() files {
	return files{
		"hub.yaml": "store: sqlite:hub.db\n" +
			"listen: 127.0.0.1:0\n" +
			"intake: {listen: 127.0.0.1:0}\n" +
			"log: error\n" +
			"secrets: {search_key: '${file:secrets/key}'}\n",
		"jobs.yaml": "jobs:\n" +
			"  - {job: sweep, every: '@every 1h', sweep: true}\n",
		"secrets/key":  "an invented key\n",
		"secrets/hook": hookSecret + "\n",
		"connections/shop.yaml": "connection: shop\n" +
			"connector: webhook\n" +
			"labels: {kind: shop}\n" +
			"store: {code: shop-a}\n" +
			"config:\n" +
			"  secret: ${file:secrets/hook}\n" +
			"  key_pointer: /no\n" +
			"  version_pointer: /version\n",
		"connections/sink.yaml": "connection: sink\n" +
			"connector: webhook\n" +
			"config:\n" +
			"  secret: ${file:secrets/hook}\n" +
			"  url: http://127.0.0.1:9/hook\n",
		"flows/notes.yaml": "flow: notes\n" +
			"from: [shop.events]\n" +
			"canonical: mappings/own/in/note.yaml\n" +
			"to:\n" +
			"  - operation: sink.event.push\n" +
			"    key: '{store.code}-{note_no}'\n" +
			"    map: mappings/own/out/note.yaml\n",
		"mappings/own/in/note.yaml": "mapping: note -> canonical note\n" +
			"input: vendors/own/note\n" +
			"output: canonical/note\n" +
			"fields:\n" +
			"  - { to: note_no, from: no, convert: text }\n" +
			"  - { to: kind, from: kind }\n" +
			"  - { to: title, from: title }\n" +
			"  - { to: big, from: big }\n" +
			"  - { to: colour, from: colour }\n" +
			"  - { to: store.code, from: '@store.code' }\n",
		"mappings/own/out/note.yaml": "mapping: note -> event\n" +
			"input: canonical/note\n" +
			"output: vendors/webhook/event.push\n" +
			"fields:\n" +
			"  - { to: type, from: kind }\n" +
			"  - { to: key, from: '@key' }\n" +
			"  - { to: colour, from: colour, lookup: colours }\n" +
			"  - { to: data, from: $ }\n",
		"lookups/colours.yaml": "table: colours\nentries: {red: RED}\n",
		"schemas/vendors/own/note.schema.json": schema(`"no": {"type": ["string", "integer"]}, "version": {"type": "integer"}, "kind": {"type": "string"},
    "title": {"type": "string"}, "big": {"type": "integer"}, "colour": {"type": "string"}`, ""),
		"schemas/canonical/note.schema.json": schema(`"note_no": {"type": "string", "x-search": "order_no"}, "kind": {"type": "string"},
    "title": {"type": "string", "maxLength": 20}, "big": {"type": "integer"}, "colour": {"type": "string"},
    "store": {"type": "object", "properties": {"code": {"type": "string"}}, "additionalProperties": false}`, `"required": ["note_no", "kind"],`),
	}
}

func schema(properties, more string) string {
	return "{\n" +
		"  \"$schema\": \"http://json-schema.org/draft-07/schema#\",\n" +
		"  \"title\": \"Note\", \"description\": \"A note, for tests.\",\n" +
		"  \"type\": \"object\", " + more + "\n" +
		"  \"properties\": {\n" +
		"    " + properties + "\n" +
		"  },\n" +
		"  \"additionalProperties\": false\n" +
		"}\n"
}

// with returns a copy in which old became text in one file; an empty old replaces the
// whole file.
func (f files) with(t *testing.T, name, old, text string) files {
	t.Helper()
	out := maps.Clone(f)
	switch {
	case old == "":
		out[name] = text
	case strings.Count(f[name], old) != 1:
		t.Fatalf("%s holds %q %d times, want once", name, old, strings.Count(f[name], old))
	default:
		out[name] = strings.Replace(f[name], old, text, 1)
	}
	return out
}

// write puts the deployment into a folder of its own.
func (f files) write(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range f {
		put(t, filepath.Join(dir, name), text)
	}
	return dir
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs a command line in this process.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = cli.Run(t.Context(), args, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs, Locale: "C"})
	return code, out.String(), errs.String()
}

// problem is one of `check --json`.
type problem struct {
	Code, File, Text, Hint string
	Line                   int
}

// check runs `minihub check --json`.
func check(t *testing.T, dir string) (code int, problems []problem) {
	t.Helper()
	code, out, errs := run(t, "check", "--json", "-c", dir)
	var answer struct {
		OK       bool
		Problems []problem
		Warnings []problem
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatalf("check --json printed no JSON: %v\n%s%s", err, out, errs)
	}
	if answer.OK != (code == cli.Fine) {
		t.Errorf("ok is %v and the exit code %d", answer.OK, code)
	}
	return code, append(answer.Problems, answer.Warnings...)
}
