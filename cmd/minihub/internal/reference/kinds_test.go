package reference_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/cmd/minihub/internal/config"
	"github.com/minihub/minihub/cmd/minihub/internal/reference"
	"github.com/minihub/minihub/cmd/minihub/internal/starter"
	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/external"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines/flows"
	"github.com/minihub/minihub/schemas/kinds"
)

// Every file that is shipped, that init writes, or that a test deployment is made of fits
// the schema of its kind.
func TestShippedFilesFit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := starter.Init(dir, starter.Options{}); err != nil {
		t.Fatal(err)
	}
	folders := map[string]fs.FS{
		"init":            os.DirFS(dir),
		"shipped flows":   below(t, "flows", flows.Shipped()),
		"shipped":         shippedFiles(t),
		"test deployment": os.DirFS("../../testdata/deployment"),
		"odd shop":        os.DirFS("../../../../connectors/manifest/oddshop/testdata/hub"),
		"odd tables":      os.DirFS("../../../../connectors/manifest/oddshop/testdata/tables"),
	}
	c := newChecker(t, registry(t))
	seen := map[string]int{}
	for where, folder := range folders {
		err := fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			kind := kinds.Of(name)
			if kind == "" || d.IsDir() {
				return nil
			}
			src, err := fs.ReadFile(folder, name)
			if err != nil {
				return err
			}
			seen[kind]++
			src = []byte(filled.Replace(string(src)))
			if kind == kinds.Connector && !strings.Contains(string(src), "\nkind: ") {
				src = append([]byte("kind: http\n"), src...)
			}
			for _, p := range c.problems(t, kind, string(src)) {
				t.Errorf("%s: %s: %s", where, name, p)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range kinds.Names() {
		if seen[k] == 0 {
			t.Errorf("no file of the kind %s was tried", k)
		}
	}
}

// filled fills what test deployments leave open.
var filled = strings.NewReplacer("@ADMIN@", "127.0.0.1:1", "@INTAKE@", "127.0.0.1:2", "@SINK@", "http://127.0.0.1:3")

func below(t *testing.T, name string, f fs.FS) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	err := fs.WalkDir(f, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(f, path)
		to := name + "/" + path
		if strings.HasPrefix(path, "lookups/") {
			to = path
		}
		out[to] = &fstest.MapFile{Data: b}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func shippedFiles(t *testing.T) fs.FS {
	t.Helper()
	return below(t, "mappings", mappings.Shipped())
}

const nonsense = "qqzzxxqqzzxx"

// At every place where a loader knows keys, the schema knows the same ones: the loader is
// asked by a key that it cannot know, and lists what it knows.
func TestLoadersAndSchemasKnowTheSameKeys(t *testing.T) {
	t.Parallel()
	c := newChecker(t, registry(t))
	head := nonsense + ": 1\n"
	places := []struct{ kind, at, file, src string }{
		{kinds.Hub, "", "hub.yaml", head},
		{kinds.Hub, "properties/intake", "hub.yaml", "intake:\n  " + head},
		{kinds.Hub, "properties/retry", "hub.yaml", "retry:\n  " + head},
		{kinds.Hub, "properties/secrets", "hub.yaml", "secrets:\n  " + head},
		{kinds.Hub, "properties/alarms", "hub.yaml", "alarms:\n  " + head},
		{kinds.Hub, "properties/alarms/properties/rules", "hub.yaml", "alarms:\n  rules:\n    " + head},
		{kinds.Hub, "properties/alarms/properties/rules/properties/failures", "hub.yaml", "alarms:\n  rules:\n    failures:\n      " + head},
		{kinds.Hub, "properties/alarms/properties/receivers/items", "hub.yaml", "alarms:\n  receivers:\n    - " + head},
		{kinds.Hub, "properties/people", "hub.yaml", "people:\n  " + head},
		{kinds.Hub, "properties/people/properties/session", "hub.yaml", "people:\n  session:\n    " + head},
		{kinds.Hub, "properties/people/properties/oidc", "hub.yaml", "people:\n  oidc:\n    " + head},
		{kinds.Hub, "properties/people/properties/oidc/properties/label", "hub.yaml", "people:\n  oidc:\n    label:\n      " + head},
		{kinds.Hub, "properties/people/properties/oidc/properties/roles", "hub.yaml", "people:\n  oidc:\n    roles:\n      " + head},
		{kinds.Connection, "", "connections/x.yaml", head},
		{kinds.Jobs, "", "jobs.yaml", head},
		{kinds.Jobs, "properties/jobs/items", "jobs.yaml", "jobs:\n  - " + head},
		{kinds.Jobs, "properties/jobs/items/properties/reconcile/anyOf/1", "jobs.yaml", "jobs:\n  - reconcile:\n      " + head},
		{kinds.Flow, "", "flows/x.yaml", head},
		{kinds.Flow, "properties/to/items", "flows/x.yaml", "to:\n  - " + head},
		{kinds.Flow, "properties/to/items/properties/after/anyOf/1", "flows/x.yaml", "to:\n  - after:\n      " + head},
		{kinds.Mapping, "", "mappings/x/in/y.yaml", head},
		{kinds.Mapping, "definitions/row", "mappings/x/in/y.yaml", "mapping: x\nfields:\n  - " + head},
		{kinds.Lookup, "", "lookups/x.yaml", head},
	}
	for _, p := range places {
		t.Run(p.kind+"/"+p.at, func(t *testing.T) {
			known := knownKeys(t, p.file, p.src)
			if diff := cmp.Diff(known, propertiesAt(t, c, p.kind, p.at)); diff != "" {
				t.Errorf("the loader (-) and the schema (+) know other keys\n%s", diff)
			}
			if problems := c.problems(t, p.kind, p.src); !strings.Contains(strings.Join(problems, "\n"), nonsense) && !strings.Contains(p.at, "anyOf") {
				t.Errorf("the schema takes an unknown key: %v", problems)
			}
		})
	}
}

// propertiesAt are the keys of an object of a schema; a number in the path is an entry of anyOf.
func propertiesAt(t *testing.T, c *checker, kind, at string) []string {
	t.Helper()
	path, index, numbered := strings.Cut(at, "/anyOf/")
	part := c.part(t, kind, path)
	if numbered {
		part = part["anyOf"].([]any)[int(index[0]-'0')].(map[string]any)
	}
	properties, ok := part["properties"].(map[string]any)
	if !ok {
		t.Fatalf("%s has no properties", at)
	}
	return slices.Sorted(maps.Keys(properties))
}

// knownKeys reads what the deployment's loader says it knows in place of the nonsense.
func knownKeys(t *testing.T, file, src string) []string {
	t.Helper()
	files := fstest.MapFS{
		"hub.yaml":           {Data: []byte("secrets: {search_key: '${env:X}'}\n")},
		"jobs.yaml":          {Data: []byte("jobs:\n")},
		"connections/x.yaml": {Data: []byte("connection: x\nconnector: webhook\nconfig: {secret: '${env:X}'}\n")},
	}
	files[file] = &fstest.MapFile{Data: []byte(src)}
	for _, p := range load(t, files) {
		if !strings.Contains(p.Text, nonsense) {
			continue
		}
		for _, lead := range []string{"known keys: ", "known here: "} {
			if list, ok := strings.CutPrefix(p.Hint, lead); ok {
				return slices.Sorted(slices.Values(strings.Split(list, ", ")))
			}
		}
	}
	t.Fatalf("the loader of %s does not say what it knows: %v", file, load(t, files))
	return nil
}

func load(t *testing.T, files fs.FS) mapper.Problems {
	t.Helper()
	_, err := config.Load(t.TempDir(), config.Options{Registry: registry(t), Files: files, Env: func(string) (string, bool) { return "", false }})
	var ps mapper.Problems
	if err != nil && !errors.As(err, &ps) {
		t.Fatal(err)
	}
	return ps
}

// What keys of a row go together, the schema and the mapper's compiler say alike: every
// set of up to three keys is tried.
func TestRowsGoTogetherAlike(t *testing.T) {
	t.Parallel()
	c := newChecker(t, registry(t))
	values := map[string]string{"from": "it.a", "value": "1", "expr": "it.a", "each": "it.list", "fields": "[{to: a, from: it.b}]", "convert": "trim", "map": "{a: b}",
		"else": "x", "lookup": "carriers", "on_missing": "park", "default": "d", "when": "it.a != nil", "required": "true", "omit_empty": "true", "append": "true"}
	values["from"], values["each"] = "a", "list"
	names := slices.Sorted(maps.Keys(values))
	tried := 0
	try := func(keys ...string) {
		src := "mapping: x\nfields:\n  - to: t\n"
		for _, k := range keys {
			src += fmt.Sprintf("    %s: %s\n", k, values[k])
		}
		_, err := mapper.Compile("x.yaml", []byte(src), mapper.Options{})
		var ps mapper.Problems
		refused := errors.As(err, &ps) && slices.ContainsFunc(ps, func(p *mapper.Problem) bool { return p.Code == mapper.CodeRow })
		problems := c.problems(t, kinds.Mapping, src)
		if refused != (len(problems) > 0) {
			t.Errorf("%v: the mapper says %v, the schema %v", keys, err, problems)
		}
		tried++
	}
	for i, a := range names {
		try(a)
		for j, b := range names[i+1:] {
			try(a, b)
			for _, d := range names[i+1+j+1:] {
				try(a, b, d)
			}
		}
	}
	if tried < 500 {
		t.Errorf("only %d rows were tried", tried)
	}
}

// A value of a configuration field that the connector's check takes, the schema takes too,
// and what the check refuses, the schema refuses.
func TestFieldValuesAgree(t *testing.T) {
	t.Parallel()
	fields := []connectors.Field{{Name: "s", Kind: connectors.FieldString}, {Name: "e", Kind: connectors.FieldString, Enum: []string{"own", "true"}, Default: "own"},
		{Name: "u", Kind: connectors.FieldURL}, {Name: "i", Kind: connectors.FieldInt}, {Name: "b", Kind: connectors.FieldBool}, {Name: "d", Kind: connectors.FieldDuration},
		{Name: "k", Kind: connectors.FieldSecret}, {Name: "m", Kind: connectors.FieldMap}}
	for i := range fields {
		fields[i].Text = "text"
	}
	r, err := connectors.NewRegistry(&connectors.Connector{Name: "x", Title: "X", Config: fields,
		Open: func(context.Context, connectors.Config, connectors.Env) (connectors.Connection, error) {
			return nothing{}, nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	c := newChecker(t, r)
	values := []string{`text`, `"text"`, `12`, `"12"`, `-3`, `"+3"`, `1.5`, `true`, `"true"`, `"no"`, `own`, `other`, `""`, `https://a.example.test/x`, `http://`, `ftp://a.example.test`,
		`30s`, `"1h30m"`, `1.5h`, `7d`, `"-2s"`, `"0"`, `'${env:X}'`, `'${file:a b}'`, `'${env:}'`, `'x${env:X}'`, `{a: 1}`, `{a: b, c: true}`, `{}`}
	// One load reads a connection for each pair of field and value.
	sources, files := map[string]string{}, fstest.MapFS{}
	for _, f := range fields {
		for i, v := range values {
			if strings.HasPrefix(v, "{") != (f.Kind == connectors.FieldMap) {
				continue
			}
			name := fmt.Sprintf("connections/%s%d.yaml", f.Name, i)
			sources[name] = fmt.Sprintf("connection: %s%d\nconnector: x\nconfig:\n  %s: %s\n", f.Name, i, f.Name, v)
			files[name] = &fstest.MapFile{Data: []byte(sources[name])}
		}
	}
	_, err = config.Load(t.TempDir(), config.Options{Registry: r, Files: files, Env: func(string) (string, bool) { return "", false }})
	var ps mapper.Problems
	if !errors.As(err, &ps) {
		t.Fatal(err)
	}
	refused := map[string]string{}
	for _, p := range ps {
		refused[p.File] = p.Error()
	}
	for name, src := range sources {
		if problems := c.problems(t, kinds.Connection, src); (refused[name] != "") != (len(problems) > 0) {
			t.Errorf("%s: the loader says %q, the schema %v", src, refused[name], problems)
		}
	}
}

type nothing struct{}

func (nothing) Close() error { return nil }

// The schema of a program's description knows the keys its loader knows.
func TestProgramSchemaKnowsTheKeys(t *testing.T) {
	t.Parallel()
	c := newChecker(t, registry(t))
	base := "kind: program\ncommand: [./x]\n"
	places := []struct{ at, src string }{
		{"", base + "declaration: {}\n"},
		{"properties/declaration", base + "declaration:\n  "},
		{"properties/declaration/properties/config/items", base + "declaration:\n  config:\n    - "},
		{"properties/declaration/properties/limits/items", base + "declaration:\n  limits:\n    - "},
		{"properties/declaration/properties/streams/items", base + "declaration:\n  streams:\n    - "},
		{"properties/declaration/properties/streams/items/properties/list", base + "declaration:\n  streams:\n    - list:\n        "},
		{"properties/declaration/properties/operations/items", base + "declaration:\n  operations:\n    - "},
		{"properties/declaration/properties/operations/items/properties/key", base + "declaration:\n  operations:\n    - key:\n        "},
	}
	for _, p := range places {
		properties, _ := c.part(t, kinds.Connector, "definitions/program/"+p.at)["properties"].(map[string]any)
		if len(properties) == 0 {
			t.Fatalf("%s has no properties", p.at)
		}
		unknown := func(key string) bool {
			_, problems := external.Load("x", []byte(p.src+key+": {}\n"))
			return slices.ContainsFunc(problems, func(p external.Problem) bool {
				return strings.Contains(p.Text+p.Path, key) && strings.Contains(p.Text, "unknown") || strings.Contains(p.Text, "no key") || strings.Contains(p.Text, "is not known")
			})
		}
		if !unknown(nonsense) {
			_, problems := external.Load("x", []byte(p.src+nonsense+": {}\n"))
			t.Fatalf("%s: the loader does not refuse nonsense: %v", p.at, problems)
		}
		for key := range properties {
			if !strings.Contains(p.src, "\n"+key+":") && !strings.Contains(p.src, key+": program") && unknown(key) {
				t.Errorf("%s: the schema knows %s, the loader does not", p.at, key)
			}
		}
	}
}

func TestSchemasNameTheirFiles(t *testing.T) {
	t.Parallel()
	list, err := reference.Kinds(reference.Known{Registry: registry(t)})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		for _, f := range s.Files {
			if ok, err := filepath.Match(filepath.Base(f), "x.yaml"); err != nil || !ok && f != "hub.yaml" && f != "jobs.yaml" {
				t.Errorf("%s: %s matches no file", s.Kind, f)
			}
		}
	}
}

// Whom alarms tell and when, the schema and the loader take and refuse alike.
func TestAlarmsAgree(t *testing.T) {
	t.Parallel()
	c := newChecker(t, registry(t))
	for _, alarms := range []string{
		"{}", "{language: zh}", "{language: fr}", "{public_url: https://hub.example.test}", "{public_url: hub}", "{remind: 4h}", "{remind: off}", "{remind: soon}",
		"{rules: {oldest: 2h, backlog: 100, silence: off, quota: 80, disk: 2GiB}}", "{rules: {backlog: 0}}", "{rules: {silence: maybe}}", "{rules: {quota: 101}}",
		"{rules: {quota: off, disk: off, gate: off}}", "{rules: {failures: {least: 5, percent: 20%, most: off, within: 15m}}}", "{rules: {failures: {percent: 0}}}",
		"{receivers: [{receiver: a, kind: wecom, url: '${env:X}'}]}", "{receivers: [{receiver: a, kind: wecom}]}", "{receivers: [{receiver: a, kind: pigeon, url: '${env:X}'}]}",
		"{receivers: [{kind: feishu, url: '${env:X}'}]}", "{receivers: [{receiver: a, kind: dingtalk, url: '${env:X}', secret: '${env:Y}'}]}",
		"{receivers: [{receiver: a, kind: dingtalk, url: '${env:X}', secret: plain}]}", "{receivers: [{receiver: a, kind: dingtalk, url: '${env:X}', server: 'a:1'}]}",
		"{receivers: [{receiver: a, kind: mail, server: 'smtp.example.test:587', from: hub@example.test, to: [ops@example.test]}]}",
		"{receivers: [{receiver: a, kind: mail, server: smtp, from: hub@example.test, to: [ops@example.test]}]}",
		"{receivers: [{receiver: a, kind: mail, server: 'smtp.example.test:587', user: u, from: hub@example.test, to: [ops@example.test]}]}",
		"{receivers: [{receiver: a, kind: mail, server: 'smtp.example.test:587', security: none, from: hub@example.test, to: [ops@example.test]}]}",
	} {
		src := "secrets: {search_key: '${env:X}'}\nalarms: " + alarms + "\n"
		refused := ""
		for _, p := range load(t, fstest.MapFS{"hub.yaml": {Data: []byte(src)}}) {
			if p.File == "hub.yaml" {
				refused = p.Error()
			}
		}
		if problems := c.problems(t, kinds.Hub, src); (refused != "") != (len(problems) > 0) {
			t.Errorf("%s: the loader says %q, the schema %v", alarms, refused, problems)
		}
	}
}

// The store may be named, or come by reference as hub.yaml's comment says.
func TestStoresAgree(t *testing.T) {
	t.Parallel()
	c := newChecker(t, registry(t))
	for store, want := range map[string]bool{"sqlite:data/hub.db": true, "postgres://db.example.test/hub": true, "postgresql://db.example.test/hub": true,
		"'${env:DATABASE_URL}'": true, "'${file:secrets/store}'": true, "hub.db": false, "mysql://db.example.test/hub": false} {
		src := "store: " + store + "\nsecrets: {search_key: '${env:X}'}\n"
		taken := !slices.ContainsFunc(load(t, fstest.MapFS{"hub.yaml": {Data: []byte(src)}}), func(p *mapper.Problem) bool { return p.File == "hub.yaml" })
		if problems := c.problems(t, kinds.Hub, src); taken != want || want != (len(problems) == 0) {
			t.Errorf("%s: taken by the loader: %v; by the schema: %v; want %v", store, taken, problems, want)
		}
	}
}
