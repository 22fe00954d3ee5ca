package sqldb

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xeipuuv/gojsonschema"
	"go.yaml.in/yaml/v3"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/schemas/codec"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each testdata/bad/*.yaml has its problems beside it, as a person reads them.
func TestProblemsAreNamedWithTheirPlaces(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c, problems := Load(name, src)
			if c != nil || len(problems) == 0 {
				t.Fatal("it loads")
			}
			var b strings.Builder
			for _, p := range problems {
				b.WriteString(p.Error() + "\n")
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), b.String()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestWhatADescriptionDeclares(t *testing.T) {
	c := load(t, driverMySQL, conforming)
	if _, err := connectors.NewRegistry(c); err != nil {
		t.Error(err)
	}
	st, _ := c.Stream("orders")
	op, _ := c.Operation("order.cancel")
	if !st.Windowed || !st.Pull || !st.List.Can || st.Complete || op.Undoes != "order.upsert" || op.Repeat != connectors.Idempotent {
		t.Errorf("%+v %+v", st, op)
	}
	st, _ = load(t, driverMySQL, "streams:\n  a:\n    entity: order\n    table: t\n    key: [id]\n    rescan: {}\n").Stream("a")
	if st.Windowed || !st.Complete || st.List.Can || st.List.Reason == "" {
		t.Errorf("%+v", st)
	}
}

// The schema and the loader know the same keys, with the same words for the same things.
func TestSchemaAndLoaderAgree(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	definitions := root["definitions"].(map[string]any)
	for name, typ := range map[string]any{"": description{}, "stream": streamDescription{}, "children": childrenDescription{}, "column": columnDescription{}, "list": listDescription{},
		"operation": operationDescribing{}, "child_write": childrenOfWrite{}, "from": fromDescription{}, "values": valuesOf{},
		"stream.incremental": incrementalDescription{}, "stream.rising": risingDescription{}, "stream.rescan": rescanDescription{}, "stream.root": rootDescription{}} {
		node := root
		if name != "" {
			first, rest, _ := strings.Cut(name, ".")
			node = definitions[first].(map[string]any)
			if rest != "" {
				node = node["properties"].(map[string]any)[rest].(map[string]any)
			}
		}
		if long, ok := node["oneOf"].([]any); ok {
			node = long[1].(map[string]any)
		}
		props := node["properties"].(map[string]any)
		var want []string
		for f := range reflect.TypeOf(typ).Fields() {
			if tag := f.Tag.Get("yaml"); tag != "" {
				want = append(want, tag)
			}
		}
		slices.Sort(want)
		if d := cmp.Diff(want, slices.Sorted(maps.Keys(props))); d != "" {
			t.Errorf("%q: the loader (-) and the schema (+) differ: %s", name, d)
		}
		if node["additionalProperties"] != false {
			t.Errorf("%q takes unknown keys", name)
		}
		for key, p := range props {
			if p := p.(map[string]any); p["description"] == nil && p["$ref"] == nil {
				t.Errorf("%s.%s has no description", name, key)
			}
		}
	}
}

func validate(t *testing.T, src []byte) []string {
	t.Helper()
	schema, err := gojsonschema.NewSchema(gojsonschema.NewBytesLoader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := yaml.Unmarshal(src, &doc); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	res, err := schema.Validate(gojsonschema.NewBytesLoader(raw))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range res.Errors() {
		out = append(out, e.String())
	}
	return out
}

func TestSchemaTakesWhatTheLoaderTakes(t *testing.T) {
	for _, d := range []string{conforming, toOrders, byTime, all("    columns: {a: {as: bool, charset: gbk, zone: UTC, zero: text, clean: both}}\n")} {
		if bad := validate(t, []byte("kind: sql\ndriver: mysql\n"+d)); len(bad) > 0 {
			t.Errorf("%s\n%s", bad, d)
		}
	}
	if bad := validate(t, []byte("kind: sql\ndriver: mysql\nstreams: {a: {entity: order, table: t, keys: [id]}}\n")); len(bad) == 0 {
		t.Error("an unknown key passes the schema")
	}
}

func TestSelectsThatDoMoreThanReadAreRefused(t *testing.T) {
	good := []string{
		"SELECT 1", "select a.id, ';' AS \"x;y\" FROM a -- ; comment\nWHERE b = 'it''s'", "WITH x AS (SELECT 1) SELECT * FROM x", "SELECT q.update, q.into FROM q /* ; */",
		"SELECT created_at AS update FROM t", "SELECT '(' FROM t",
	}
	bad := map[string]string{
		"": "no statement", "DELETE FROM t": "begins with DELETE", "SELECT 1; DROP TABLE t": "semicolon", "SELECT 1;": "semicolon", "SELECT * FROM t FOR UPDATE": "lock rows",
		"SELECT 1) AS q; DELETE FROM t": "closing bracket", "SELECT (1": "not closed", "SELECT 'a": "' is not closed", "SELECT 1 /* x": "comment is not closed",
		"SELECT * INTO u FROM t": "INTO", "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x": "DELETE", "SELECT \x00": "NUL",
	}
	for _, driver := range []string{driverPostgres, driverMySQL} {
		for _, s := range good {
			if err := checkSelect(driver, s); err != nil {
				t.Errorf("%s: %q: %v", driver, s, err)
			}
		}
		for s, want := range bad {
			if err := checkSelect(driver, s); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q: %v, want %s", driver, s, err, want)
			}
		}
	}
	for s, driver := range map[string]string{"SELECT 1 /*! ; DROP TABLE t */": driverMySQL, "SELECT 'a\\'; DROP TABLE t -- '": driverPostgres, "SELECT ?": driverMySQL,
		"SELECT $1": driverPostgres, "SELECT $a$;$b$": driverPostgres} {
		if err := checkSelect(driver, s); err == nil {
			t.Errorf("%s: %q passes", driver, s)
		}
	}
	for s, driver := range map[string]string{"SELECT 'a\\'; x' # ;": driverMySQL, "SELECT $a$ ; $a$": driverPostgres, "SELECT E'\\';'": driverPostgres} {
		if err := checkSelect(driver, s); err != nil {
			t.Errorf("%s: %q: %v", driver, s, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, d := range []string{conforming, toOrders, byTime} {
		f.Add([]byte("kind: sql\ndriver: postgres\n" + d))
	}
	f.Add([]byte("kind: sql\ndriver: mysql\nstreams: {a: {entity: o, select: 'SELECT 1', key: [id], children: {b: {table: t, on: {}}}, rescan: {status: s}}}\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		c, problems := Load("x", src)
		if (c == nil) == (len(problems) == 0) {
			t.Fatalf("connector %v with problems %v", c, problems)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.Text == "" {
				t.Errorf("a problem without a place or a text: %+v", p)
			}
		}
		if c != nil {
			if _, err := connectors.NewRegistry(c); err != nil {
				t.Errorf("what loads cannot be registered: %v", err)
			}
		}
	})
}

func FuzzCheckSelect(f *testing.F) {
	f.Add("SELECT 'a' FROM \"b\" -- x")
	f.Add("SELECT $a$ ; $a$, E'\\''")
	f.Fuzz(func(t *testing.T, s string) {
		for _, driver := range []string{driverPostgres, driverMySQL} {
			if checkSelect(driver, s) == nil && strings.Contains(strings.NewReplacer("'", "", `"`, "", "`", "", "$", "", "-", "", "#", "", "/", "").Replace(s), ";") &&
				!strings.ContainsAny(s, "'\"`$-#/") {
				t.Errorf("%s: a second statement passes: %q", driver, s)
			}
		}
	})
}

func FuzzValue(f *testing.F) {
	f.Add([]byte("12.50"), 3, "", "")
	f.Add([]byte("0000-00-00 00:00:00"), 10, "time", "gbk")
	f.Fuzz(func(t *testing.T, raw []byte, c int, as, charset string) {
		if !knownCharset(charset) {
			charset = ""
		}
		r := reading{as: as, charset: charset, clean: "nul"}
		v := r.value(column{class: class(c)}, raw, shanghai)
		if _, err := codec.Encode(v); err != nil {
			t.Errorf("%q becomes %v, which is no JSON: %v", raw, v, err)
		}
	})
}
