package schemas

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/minihub/minihub/schemas/codec"
)

const personal = `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{
	"no":{"type":"string"},"phone":{"type":"string","x-pii":"phone"},
	"receivers":{"type":"array","items":{"type":"object","properties":{
		"id":{"type":"integer"},"name":{"type":"string","x-pii":"name"},"phone":{"type":["string","integer"],"x-pii":"phone"},
		"notes":{"type":"array","items":{"type":"string","x-pii":"text"}}}}}}}`

// What nobody touched comes back as it was, whatever the document and whether it has a
// schema or not.
func TestWhatIsHiddenComesBack(t *testing.T) {
	schema := load(t, personal)
	text := rapid.SampledFrom([]string{"", "*", "***", "张三", "张四", "13800005678", "13811115678", "A-1", "x"})
	receiver := rapid.Custom(func(t *rapid.T) any {
		notes := []any{}
		for _, n := range rapid.SliceOfN(text, 0, 3).Draw(t, "notes") {
			notes = append(notes, n)
		}
		r := map[string]any{"name": text.Draw(t, "name"), "notes": notes, "free": text.Draw(t, "free"), "on": rapid.Bool().Draw(t, "on")}
		if rapid.Bool().Draw(t, "number") {
			r["id"] = json.Number(fmt.Sprint(rapid.Int64Min(1<<53).Draw(t, "id")))
			r["phone"] = json.Number("13800005678.00")
		}
		return r
	})
	rapid.Check(t, func(t *rapid.T) {
		list := []any{}
		list = append(list, rapid.SliceOfN(receiver, 0, 4).Draw(t, "receivers")...)
		doc := map[string]any{"no": text.Draw(t, "no"), "phone": text.Draw(t, "phone"), "receivers": list, "gone": nil}
		for _, s := range []*Schema{schema, nil} {
			typed, err := codec.Encode(Masked(s, doc)) // what the editor holds, as text
			if err != nil {
				t.Fatal(err)
			}
			edited, found := ReadTyped(typed)
			if found != nil {
				t.Fatal(found)
			}
			if back, found := Unmask(s, doc, edited); found != nil || !reflect.DeepEqual(back, any(doc)) {
				t.Fatalf("%v came back as %v, %v", doc, back, found)
			}
			// Lines without their like may be moved and dropped as one pleases.
			seen, alone := map[string]bool{}, true
			for _, line := range Masked(s, doc).(map[string]any)["receivers"].([]any) {
				key := fmt.Sprint(line)
				alone, seen[key] = alone && !seen[key], true
			}
			if !alone || len(list) == 0 {
				continue
			}
			order := rapid.Permutation(list).Draw(t, "order")[:rapid.IntRange(0, len(list)).Draw(t, "kept")]
			moved := Masked(s, map[string]any{"receivers": append([]any{}, order...)}).(map[string]any)["receivers"]
			edited.(map[string]any)["receivers"] = moved
			back, found := Unmask(s, doc, edited)
			if found == nil && !reflect.DeepEqual(back.(map[string]any)["receivers"], append([]any{}, order...)) {
				t.Fatalf("%v moved to %v came back as %v", list, moved, back)
			}
		}
	})
}

func TestWhatAPersonMayDoToHiddenValues(t *testing.T) {
	schema := load(t, personal)
	const stored = `{"no":"A-1","phone":"13800005678","receivers":[
		{"id":9007199254740993,"name":"张三","phone":"13811112222"},{"id":2,"name":"张四","phone":"13833332222"},{"id":3,"name":"李五","phone":13844445555}]}`
	for name, c := range map[string]struct{ edited, want, refused string }{
		"a number typed anew is taken":          {`{"phone":"13999990000"}`, `{"phone":"13999990000"}`, ""},
		"another field of the line may change":  {`{"receivers":[{"id":9,"name":"张**","phone":"138****2222"},{"id":2,"name":"张**","phone":"138****2222"},{"id":3,"name":"李**","phone":"138****5555"}]}`, `{"receivers":[{"id":9,"name":"张三","phone":"13811112222"},{"id":2,"name":"张四","phone":"13833332222"},{"id":3,"name":"李五","phone":13844445555}]}`, ""},
		"a line may go":                         {`{"receivers":[{"id":2,"name":"张**","phone":"138****2222"}]}`, `{"receivers":[{"id":2,"name":"张四","phone":"13833332222"}]}`, ""},
		"lines may change places":               {`{"receivers":[{"id":3,"name":"李**","phone":"138****5555"},{"id":2,"name":"张**","phone":"138****2222"}]}`, `{"receivers":[{"id":3,"name":"李五","phone":13844445555},{"id":2,"name":"张四","phone":"13833332222"}]}`, ""},
		"a new line comes between":              {`{"receivers":[{"id":2,"name":"张**","phone":"138****2222"},{"id":8,"name":"王六","phone":"13700000000"}]}`, `{"receivers":[{"id":2,"name":"张四","phone":"13833332222"},{"id":8,"name":"王六","phone":"13700000000"}]}`, ""},
		"whose line is this":                    {`{"receivers":[{"id":7,"name":"张**","phone":"138****2222"}]}`, "", "/receivers/0"},
		"a line twice":                          {`{"receivers":[{"id":3,"name":"李**","phone":"138****5555"},{"id":3,"name":"李**","phone":"138****5555"}]}`, "", "/receivers/1"},
		"a mask under another name":             {`{"mobile":"138****5678"}`, "", "/mobile"},
		"a mask in another field":               {`{"no":"138****5678"}`, "", "/no"},
		"a mask in a line that never was":       {`{"others":[{"phone":"138****5678"}]}`, "", "/others/0/phone"},
		"a mask where a list stood":             {`{"receivers":"138****5678"}`, "", "/receivers"},
		"one of the first two, dropped in part": {`{"receivers":[{"name":"张**","phone":"138****2222"},{"id":3,"name":"李**","phone":"138****5555"}]}`, "", "/receivers/0"},
	} {
		t.Run(name, func(t *testing.T) {
			original, err := codec.Decode([]byte(stored))
			if err != nil {
				t.Fatal(err)
			}
			edited, found := ReadTyped([]byte(c.edited))
			if found != nil {
				t.Fatal(found)
			}
			got, found := Unmask(schema, original, edited)
			if c.refused != "" {
				if len(found) == 0 || found[0].Pointer != c.refused || found[0].Rule != RuleHidden || strings.Contains(found[0].String(), "138") {
					t.Fatalf("found %v, want one at %s", found, c.refused)
				}
				Locate([]byte(c.edited), found)
				if found[0].Line != 1 || found[0].Column == 0 {
					t.Errorf("it is at %d:%d", found[0].Line, found[0].Column)
				}
				return
			}
			want, err := codec.Decode([]byte(c.want))
			if err != nil {
				t.Fatal(err)
			}
			if found != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %v, %v", got, found)
			}
		})
	}
}

func TestAKeyTypedTwice(t *testing.T) {
	for text, want := range map[string]string{`{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}`: "", "{\"a\":1,\n  \"a\":2}": "2:3",
		`{"c":[1,{"x":{"b":1}},{"b":1,"b":2}]}`: "1:30", `{"x":["a","a"],"y":"x"}`: "", `"a"`: ""} {
		_, found := ReadTyped([]byte(text))
		got := ""
		if len(found) > 0 {
			got = fmt.Sprintf("%d:%d", found[0].Line, found[0].Column)
		}
		if got != want {
			t.Errorf("%s: %v, want %q", text, found, want)
		}
	}
	if _, found := ReadTyped([]byte("{\n  \"a\": 1,\n}")); len(found) != 1 || found[0].Line != 3 {
		t.Errorf("a comma too many: %+v", found)
	}
}
