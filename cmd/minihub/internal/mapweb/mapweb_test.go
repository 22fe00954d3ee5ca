package mapweb

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/craft"
	"github.com/minihub/minihub/schemas"
)

const noteMapping = `mapping: note -> canonical note
output: canonical/note
fields:
  - { to: note_no, from: no, required: true }
  - { to: kind, from: kind, map: { made: note.made, changed: note.changed } }
  - { to: title, from: title }
  - { to: colour, from: colour }
`

const noteCase = `A note as the shop sends it.
-- mapping --
own/in/note.yaml
-- context.json --
{"store": {"code": "shop-a"}}
-- input.json --
{
  "no": "9007199254740993000",
  "kind": "made",
  "title": "hello"
}
-- want.json --
{}
`

const noteSchema = `{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "Note", "description": "A note.",
  "type": "object", "required": ["note_no", "kind"],
  "properties": {
    "note_no": {"type": "string"}, "kind": {"type": "string"},
    "title": {"type": "string", "maxLength": 20}, "colour": {"type": "string"}
  },
  "additionalProperties": false
}`

// load makes a workshop with one mapping of its own and one case.
func load() (*Workshop, error) {
	known, err := schemas.Load(fstest.MapFS{"canonical/note.schema.json": {Data: []byte(noteSchema)}})
	if err != nil {
		return nil, err
	}
	folder := fstest.MapFS{"own/in/note.yaml": {Data: []byte(noteMapping)}, "own/cases/note.txtar": {Data: []byte(noteCase)}}
	checks := SchemasOf(known)
	set, err := mappings.Load(mappings.Options{Deployment: folder, Shapes: checks.Shape})
	if err != nil {
		return nil, err
	}
	return &Workshop{Bench: &craft.Bench{Tables: set.Tables(), Schemas: checks}, Set: set, Cases: folder}, nil
}

func serve(t *testing.T, opt Options) *httptest.Server {
	t.Helper()
	if opt.Load == nil {
		opt.Load = load
	}
	s := httptest.NewServer(http.StripPrefix("/map", Handler(opt)))
	t.Cleanup(s.Close)
	return s
}

func call(t *testing.T, req *http.Request) (status int, head http.Header, body string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

func request(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	return req
}

// The page works below a prefix, loads its own files only and runs nothing inline.
func TestThePageKeepsToItself(t *testing.T) {
	t.Parallel()
	s := serve(t, Options{})
	for path, kind := range map[string]string{"": "text/html", "app.css": "text/css", "app.js": "text/javascript"} {
		status, head, body := call(t, request(t, http.MethodGet, s.URL+"/map/"+path, ""))
		if status != http.StatusOK || !strings.HasPrefix(head.Get("Content-Type"), kind) {
			t.Errorf("%q answers %d %s", path, status, head.Get("Content-Type"))
		}
		csp := head.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || head.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%q has the policy %q", path, csp)
		}
		for _, bad := range []string{"http://", "https://", "//cdn", "onclick=", "style=", "innerHTML", "eval("} {
			if strings.Contains(body, bad) {
				t.Errorf("%q holds %s", path, bad)
			}
		}
	}
	if status, _, _ := call(t, request(t, http.MethodGet, s.URL+"/map/page/index.html", "")); status != http.StatusNotFound {
		t.Errorf("another path answers %d", status)
	}
}

func TestTryAnswersAtTheirPlaces(t *testing.T) {
	t.Parallel()
	s := serve(t, Options{})
	post := func(mapping, sample, context string) craft.Trial {
		t.Helper()
		in, err := json.Marshal(map[string]string{"file": "own/in/note.yaml", "mapping": mapping, "sample": sample, "context": context})
		if err != nil {
			t.Fatal(err)
		}
		status, _, body := call(t, request(t, http.MethodPost, s.URL+"/map/api/try", string(in)))
		var got craft.Trial
		if err := json.Unmarshal([]byte(body), &got); err != nil || status != http.StatusOK {
			t.Fatalf("%d %s %v", status, body, err)
		}
		return got
	}
	got := post(noteMapping, `{"no": "1", "kind": "made"}`, "")
	if !got.OK || got.Result != "{\n  \"kind\": \"note.made\",\n  \"note_no\": \"1\"\n}\n" || strings.Join(got.Unset, " ") != "colour title" {
		t.Errorf("a good sample gives %+v", got)
	}
	got = post(noteMapping, `{"no": "1", "kind": "torn"}`, "")
	if got.OK || len(got.Errors) != 1 || got.Errors[0].Line != 5 || got.Errors[0].Target != "kind" || got.Result != "" {
		t.Errorf("a value in no entry gives %+v", got.Errors)
	}
	got = post(noteMapping, `{"no": "1", "kind": "made", "title": "longer than twenty characters"}`, "")
	if got.OK || len(got.Violations) != 1 || got.Violations[0].Line != 4 || got.Violations[0].Pointer != "/title" {
		t.Errorf("a result that does not fit gives %+v", got.Violations)
	}
	got = post("mapping: x\nfields:\n  - { to: a, form: b }\n", "{", `{"stores": 1}`)
	if len(got.Problems) != 1 || got.Problems[0].Line != 3 || len(got.Sample) != 1 || got.Sample[0].Line != 1 || len(got.Context) != 1 {
		t.Errorf("three wrong texts give %+v", got)
	}
	got = post("mapping: x\nfields:\n  - { to: a, expr: 'lookup(\"t\", \"k\")' }\n", "{}", `{"lookups": {"t": {"k": 900719925474099300001}}}`)
	if len(got.Problems) == 0 {
		t.Errorf("a lookup table that does not exist compiles: %+v", got)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := serve(t, Options{})
	try := s.URL + "/map/api/try"
	foreign := request(t, http.MethodPost, try, "{}")
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	form := request(t, http.MethodPost, try, "{}")
	form.Header.Set("Content-Type", "text/plain")
	for want, req := range map[int]*http.Request{
		http.StatusForbidden:             foreign,
		http.StatusUnsupportedMediaType:  form,
		http.StatusBadRequest:            request(t, http.MethodPost, try, "{"),
		http.StatusRequestEntityTooLarge: request(t, http.MethodPost, try, `{"sample":"`+strings.Repeat("x", MaxBody)+`"}`),
		http.StatusNotFound:              request(t, http.MethodGet, s.URL+"/map/api/mapping?name=own/in/nothing.yaml", ""),
		http.StatusMethodNotAllowed:      request(t, http.MethodGet, try, ""),
	} {
		if status, _, body := call(t, req); status != want {
			t.Errorf("answers %d %s, want %d", status, body, want)
		}
	}
}

// A folder with mistakes is told, and what was read before stays.
func TestAFolderWithMistakes(t *testing.T) {
	t.Parallel()
	fail := false
	s := serve(t, Options{Start: "new/in/x.yaml", StartSource: []byte("mapping: x\n"), Load: func() (*Workshop, error) {
		if fail {
			return nil, errors.New("the folder is gone")
		}
		return load()
	}})
	_, _, first := call(t, request(t, http.MethodGet, s.URL+"/map/api/workshop", ""))
	if !strings.Contains(first, `{"name":"own/in/note.yaml","own":true`) || !strings.Contains(first, `"source":"mapping: x\n"`) {
		t.Errorf("the workshop is %s", first)
	}
	fail = true
	_, _, second := call(t, request(t, http.MethodGet, s.URL+"/map/api/workshop", ""))
	if !strings.Contains(second, `"error":"the folder is gone"`) || !strings.Contains(second, "own/in/note.yaml") {
		t.Errorf("with mistakes the workshop is %s", second)
	}
	_, _, mapping := call(t, request(t, http.MethodGet, s.URL+"/map/api/mapping?name=mappings/own/in/note.yaml", ""))
	if !strings.Contains(mapping, `"samples":[{"name":"note"`) {
		t.Errorf("the mapping is %s", mapping)
	}
}
