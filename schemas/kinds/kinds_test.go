package kinds

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/xeipuuv/gojsonschema"
)

func compile(t *testing.T, in Input) map[string]*gojsonschema.Schema {
	t.Helper()
	list, err := All(in)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*gojsonschema.Schema{}
	for _, s := range list {
		l := gojsonschema.NewSchemaLoader()
		l.AutoDetect, l.Draft, l.Validate = false, gojsonschema.Draft7, true
		if out[s.Kind], err = l.Compile(gojsonschema.NewBytesLoader(s.Source)); err != nil {
			t.Fatalf("%s: %v", s.Kind, err)
		}
	}
	return out
}

func fits(t *testing.T, s *gojsonschema.Schema, doc string) bool {
	t.Helper()
	r, err := s.Validate(gojsonschema.NewStringLoader(doc))
	if err != nil {
		t.Fatal(err)
	}
	return r.Valid()
}

func TestAConnectionIsHeldToItsConnector(t *testing.T) {
	t.Parallel()
	s := compile(t, Input{Unread: []string{"torn"}, Connectors: []Declared{
		{Name: "a", Fields: []Field{{Name: "key", Kind: "secret", Required: true}, {Name: "app", Kind: "string", Enum: []string{"own", "isv"}, Default: "own", Required: true}}},
		{Name: "b"},
	}})[Connection]
	for doc, want := range map[string]bool{
		`{"connection":"x","connector":"a","config":{"key":"${env:K}"}}`:                  true,
		`{"connection":"x","connector":"a","config":{"key":"${env:K}","app":"isv"}}`:      true,
		`{"connection":"x","connector":"a","config":{"key":"${env:K}","app":"${env:A}"}}`: true,
		`{"connection":"x","connector":"a","config":{"key":"literal"}}`:                   false,
		`{"connection":"x","connector":"a","config":{"key":"${env:K}","app":"other"}}`:    false,
		`{"connection":"x","connector":"a","config":{"key":"${env:K}","kee":"1"}}`:        false,
		`{"connection":"x","connector":"a","config":{}}`:                                  false,
		`{"connection":"x","connector":"a"}`:                                              false,
		`{"connection":"x","connector":"b"}`:                                              true,
		`{"connection":"x","connector":"b","config":null}`:                                true,
		`{"connection":"x","connector":"b","config":{"key":"${env:K}"}}`:                  false,
		`{"connection":"x","connector":"torn","config":{"anything":1}}`:                   true,
		`{"connection":"x","connector":"c"}`:                                              false,
		`{"connection":"x.y","connector":"b"}`:                                            false,
		`{"connection":"x","connector":"b","mode":"maybe"}`:                               false,
		`{"connection":"x","connector":"b","slots":0}`:                                    false,
	} {
		if got := fits(t, s, doc); got != want {
			t.Errorf("%s: %v, want %v", doc, got, want)
		}
	}
}

func TestADescriptionIsHeldToItsKind(t *testing.T) {
	t.Parallel()
	s := compile(t, Input{Described: map[string][]byte{
		"http": []byte(`{"$schema":"` + Draft + `","allOf":[{"$ref":"#/definitions/m"}],"definitions":{"m":{"type":"object","properties":{"kind":{},"next":{"$ref":"#/definitions/m"}},"additionalProperties":false}}}`),
		"sql":  []byte(`{"type":"object","properties":{"kind":{},"deep":{"$ref":"#"}},"required":["kind"],"additionalProperties":false}`),
	}})[Connector]
	for doc, want := range map[string]bool{
		`{"kind":"http","next":{"next":{}}}`:      true,
		`{"kind":"http","next":{"nxt":{}}}`:       false,
		`{"kind":"sql","deep":{"kind":"http"}}`:   true,
		`{"kind":"sql","deep":{}}`:                false,
		`{"kind":"sql","next":{}}`:                false,
		`{"kind":"ftp"}`:                          false,
		`{}`:                                      false,
		`{"kind":"http","next":{"next":{"x":1}}}`: false,
	} {
		if got := fits(t, s, doc); got != want {
			t.Errorf("%s: %v, want %v", doc, got, want)
		}
	}
}

func TestJobsDoOneThing(t *testing.T) {
	t.Parallel()
	s := compile(t, Input{})[Jobs]
	for does, want := range map[string]bool{
		`"pull":["*.orders"]`: true, `"sweep":true`: true, `"retention":true`: true, `"reconcile":{"window":"36h"}`: true,
		`"pull":["*.orders"],"sweep":false`: true, `"text":"nothing"`: false, `"pull":[]`: false, `"sweep":false`: false, `"reconcile":null`: false,
		`"pull":["*.orders"],"sweep":true`: false, `"pull":["orders"]`: false, `"reconcile":{"window":"1 day"}`: false,
	} {
		if got := fits(t, s, `{"jobs":[{"job":"j","every":"@every 1m",`+does+`}]}`); got != want {
			t.Errorf("%s: %v, want %v", does, got, want)
		}
	}
}

func TestInputThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	for _, in := range []Input{
		{Connectors: []Declared{{Name: "a", Fields: []Field{{Name: "x", Kind: "colour"}}}}},
		{Described: map[string][]byte{"http": []byte("{")}},
		{Described: map[string][]byte{"http": []byte("[]")}},
	} {
		if _, err := All(in); err == nil {
			t.Errorf("%v: a schema was written", in)
		}
	}
}

func TestSchemasAreTheSameEachTime(t *testing.T) {
	t.Parallel()
	in := Input{Unread: []string{"z", "a"}, Connectors: []Declared{{Name: "m"}}, Functions: []string{"trim"}, Described: map[string][]byte{"x": []byte("{}"), "y": []byte("{}")}}
	first, err := All(in)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		again, err := All(in)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range again {
			if string(s.Source) != string(first[i].Source) {
				t.Fatalf("%s differs", s.Kind)
			}
		}
	}
	var names []string
	for _, s := range first {
		names = append(names, s.Kind)
		var m map[string]any
		if err := json.Unmarshal(s.Source, &m); err != nil || m["$schema"] != Draft || !strings.HasSuffix(string(s.Source), "}\n") {
			t.Errorf("%s: %v, $schema %v", s.Kind, err, m["$schema"])
		}
	}
	if !slices.Equal(names, Names()) {
		t.Errorf("%v, want %v", names, Names())
	}
}
