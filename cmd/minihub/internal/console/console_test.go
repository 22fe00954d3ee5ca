package console_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/minihub/minihub/cmd/minihub/internal/console"
)

func files(t *testing.T, pattern string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("page", pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v, %v", pattern, names, err)
	}
	out := map[string]string{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(name)] = string(b)
	}
	return out
}

// The page works below a prefix, loads its own files only and runs nothing inline.
func TestThePageKeepsToItself(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.StripPrefix("/console", console.Handler()))
	t.Cleanup(s.Close)
	for name := range files(t, "*") {
		path := name
		if name == "index.html" {
			path = ""
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/console/"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || strings.HasPrefix(resp.Header.Get("Content-Type"), ";") {
			t.Errorf("%q answers %d %s %v", path, resp.StatusCode, resp.Header.Get("Content-Type"), err)
		}
		csp := resp.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%q has the policy %q", path, csp)
		}
		body := strings.ReplaceAll(string(b), "http://www.w3.org/2000/svg", "")
		for _, bad := range []string{"http://", "https://", "//cdn", "onclick=\"", "style=\"", "innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "document.write"} {
			if strings.Contains(body, bad) {
				t.Errorf("%q holds %s", path, bad)
			}
		}
	}
}

// catalogue reads text.json: a text, or its plural forms.
func catalogue(t *testing.T) map[string]map[string]any {
	t.Helper()
	var out map[string]map[string]any
	if err := json.Unmarshal([]byte(files(t, "text.json")["text.json"]), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func forms(v any) (map[string]string, bool) {
	switch v := v.(type) {
	case string:
		return map[string]string{"": v}, true
	case map[string]any:
		out := map[string]string{}
		for name, s := range v {
			text, ok := s.(string)
			if !ok {
				return nil, false
			}
			out[name] = text
		}
		return out, true
	}
	return nil, false
}

var (
	hole = regexp.MustCompile(`\{(\w+)\}`)
	han  = regexp.MustCompile(`\p{Han}`)
	word = regexp.MustCompile(`[A-Za-z]{3,}`)
)

func holes(s string) map[string]bool {
	out := map[string]bool{}
	for _, m := range hole.FindAllStringSubmatch(s, -1) {
		out[m[1]] = true
	}
	return out
}

// Every text stands in both languages, in its plural forms, with the same values to fill
// in.
func TestEveryTextStandsInBothLanguages(t *testing.T) {
	t.Parallel()
	for key, entry := range catalogue(t) {
		if len(entry) != 2 {
			t.Errorf("%s has the languages %v, want en and zh", key, entry)
		}
		en, ok := forms(entry["en"])
		zh, okay := forms(entry["zh"])
		if !ok || !okay {
			t.Errorf("%s: %v", key, entry)
			continue
		}
		_, plural := en["other"]
		if plural && (en["one"] == "" || en["other"] == "" || len(zh) != 1 || zh["other"] == "") || !plural && (en[""] == "" || zh[""] == "") {
			t.Errorf("%s lacks a form: %v", key, entry)
		}
		var want map[string]bool
		for _, s := range en {
			want = holes(s)
			if han.MatchString(s) && key != "language.other" {
				t.Errorf("%s is Chinese in English: %s", key, s)
			}
		}
		for _, s := range zh {
			got := holes(s)
			for name := range want {
				if !got[name] {
					t.Errorf("%s: the Chinese text does not fill in %s", key, name)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%s fills in %v in Chinese and %v in English", key, got, want)
			}
			bare := strings.NewReplacer("SKU", "", "API", "", "Esc", "").Replace(hole.ReplaceAllString(s, ""))
			if key != "language.other" && word.MatchString(bare) {
				t.Errorf("%s is not translated: %s", key, s)
			}
		}
	}
}

// The modules name only keys that there are, and each key is used.
func TestTextsAreUsed(t *testing.T) {
	t.Parallel()
	texts := catalogue(t)
	used := map[string]bool{}
	code := ""
	for _, src := range files(t, "*.js") {
		code += src
	}
	literal := regexp.MustCompile(`\bt(?:x)?\('([a-z0-9_.-]+)'[,)]`)
	for _, m := range literal.FindAllStringSubmatch(code, -1) {
		used[m[1]] = true
		if texts[m[1]] == nil {
			t.Errorf("a module uses %s, which is no text", m[1])
		}
	}
	if len(used) < 100 {
		t.Fatalf("only %d keys are found in the modules", len(used))
	}
	group := regexp.MustCompile(`(?:word|meaning)\('(\w+)'|\bt\('([a-z.]+\.)' \+|'([a-z]+\.)' \+`)
	groups := map[string]bool{}
	for _, m := range group.FindAllStringSubmatch(code, -1) {
		for _, g := range m[1:] {
			if g != "" {
				groups[strings.TrimSuffix(g, ".")+"."] = true
			}
		}
	}
	quoted := regexp.MustCompile(`'([a-z0-9_.-]+)'`)
	named := map[string]bool{}
	for _, m := range quoted.FindAllStringSubmatch(code, -1) {
		named[m[1]] = true
	}
next:
	for key := range texts {
		if used[key] || named[key] {
			continue
		}
		for g := range groups {
			if strings.HasPrefix(key, g) {
				continue next
			}
		}
		t.Errorf("no module uses %s", key)
	}
}

// No text stands in markup or modules: what people read is in the catalogue.
func TestNoTextStandsInMarkup(t *testing.T) {
	t.Parallel()
	html := files(t, "index.html")["index.html"]
	html = regexp.MustCompile(`<title translate="no">minihub</title>`).ReplaceAllString(html, "")
	if text := strings.TrimSpace(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(html, "")); text != "" {
		t.Errorf("index.html holds the text %q", text)
	}
	comment := regexp.MustCompile(`(?m)(^|\s)//.*$`)
	// A child of an element that is two words, or one that begins with a capital.
	child := regexp.MustCompile(`(?:h|button|heading|field|say)\([^()]*['"]([A-Z][a-z]+[^'"]*|[a-z]+ [a-z]+ [^'"]*)['"]`)
	for name, src := range files(t, "*.js") {
		if src = comment.ReplaceAllString(src, ""); han.MatchString(src) {
			t.Errorf("%s holds Chinese text", name)
		}
		for _, m := range child.FindAllStringSubmatch(src, -1) {
			t.Errorf("%s holds the text %q", name, m[1])
		}
	}
}
