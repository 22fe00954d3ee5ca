package filedrop

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/xeipuuv/gojsonschema"
	"go.yaml.in/yaml/v3"

	"github.com/minihub/minihub/connectors/internal/describe"
)

// block is a fenced example of the guide; the words behind its language say what it is.
type block struct {
	words []string
	text  string
}

func guide(t *testing.T) []block {
	t.Helper()
	src, err := os.ReadFile("GUIDE.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []block
	for i, part := range strings.Split(string(src), "```") {
		if head, text, ok := strings.Cut(part, "\n"); ok && i%2 == 1 {
			out = append(out, block{strings.Fields(head), text})
		}
	}
	return out
}

// TestEveryExampleOfTheGuideRuns reads each example file with the description above it
// and wants the documents below it.
func TestEveryExampleOfTheGuideRuns(t *testing.T) {
	var spec string
	var d *desk
	var got []string
	ran := 0
	for _, b := range guide(t) {
		switch {
		case b.words[0] == "yaml":
			spec = b.text
			mustLoad(t, spec)
			fits(t, spec)
		case b.words[0] == "json":
			ran++
			if want := strings.Split(strings.TrimSpace(b.text), "\n"); !slices.Equal(got, want) {
				t.Errorf("%s: got\n%s\nwant\n%s", b.words[1], strings.Join(got, "\n"), b.text)
			}
		default:
			d = newDesk(t, spec)
			s := d.conn.streams[b.words[1]]
			if s == nil {
				t.Fatalf("the example %v names no stream", b.words)
			}
			mkdirs(t, d.dir, s.Folder)
			text := b.text
			if len(b.words) > 3 {
				text = gbkOf(t, text)
			}
			d.put(s.Folder+"/"+b.words[2], text)
			got = nil
			for _, it := range d.settled(s.Name) {
				if it.Deleted {
					got = append(got, "deleted "+it.Key)
				} else {
					got = append(got, string(it.Body))
				}
			}
		}
	}
	if ran < 3 {
		t.Errorf("%d examples ran", ran)
	}
}

// fits holds a description against the JSON Schema.
func fits(t *testing.T, src string) {
	t.Helper()
	for _, e := range violations(t, src) {
		t.Errorf("the schema refuses what the loader takes: %s", e)
	}
}

func violations(t *testing.T, src string) []string {
	t.Helper()
	var tree any
	if err := yaml.Unmarshal([]byte(src), &tree); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	res, err := gojsonschema.Validate(gojsonschema.NewBytesLoader(Schema()), gojsonschema.NewBytesLoader(raw))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range res.Errors() {
		out = append(out, e.String())
	}
	return out
}

// TestSchemaAndLoaderKnowTheSameKeys walks the schema beside the shape.
func TestSchemaAndLoaderKnowTheSameKeys(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	sameKeys(t, "", root, reflect.TypeFor[fileShape]())
}

func sameKeys(t *testing.T, path string, node map[string]any, shape reflect.Type) {
	for shape.Kind() == reflect.Pointer || shape.Kind() == reflect.Slice && shape != reflect.TypeFor[describe.Map[streamShape]]() {
		shape = shape.Elem()
	}
	props, _ := node["properties"].(map[string]any)
	var want, got []string
	for k := range props {
		want = append(want, k)
	}
	for i := range shape.NumField() {
		f := shape.Field(i)
		key := f.Tag.Get("yaml")
		if key == "" {
			continue
		}
		got = append(got, key)
		sub, ok := props[key].(map[string]any)
		if !ok {
			continue
		}
		if text, _ := sub["description"].(string); text == "" {
			t.Errorf("%s.%s has no description", path, key)
		}
		switch f.Type {
		case reflect.TypeFor[describe.Map[streamShape]]():
			sameKeys(t, path+"."+key, sub["additionalProperties"].(map[string]any), reflect.TypeFor[streamShape]())
		case reflect.TypeFor[describe.Map[operationShape]]():
			sameKeys(t, path+"."+key, sub["additionalProperties"].(map[string]any), reflect.TypeFor[operationShape]())
		case reflect.TypeFor[describe.Map[columnShape]]():
			long := sub["additionalProperties"].(map[string]any)["oneOf"].([]any)[1].(map[string]any)
			sameKeys(t, path+"."+key, long, reflect.TypeFor[columnFields]())
		default:
			if f.Type.Kind() == reflect.Pointer && f.Type.Elem().Kind() == reflect.Struct {
				sameKeys(t, path+"."+key, sub, f.Type.Elem())
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("%s: the schema has %v, the loader %v", path, want, got)
	}
}
