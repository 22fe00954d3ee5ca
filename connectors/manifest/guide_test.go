package manifest

import (
	"regexp"
	"strings"
	"testing"
)

var (
	fence  = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
	titled = regexp.MustCompile(`^# (connectors/\w+\.yaml)\n`)
)

// examples gives the whole manifests of the guide by file, and its fragments.
func examples(t testing.TB) (whole map[string]string, fragments []string) {
	whole = map[string]string{}
	for _, m := range fence.FindAllStringSubmatch(string(file(t, "GUIDE.md")), -1) {
		if name := titled.FindStringSubmatch(m[1]); name != nil {
			whole[name[1]] = m[1]
			continue
		}
		fragments = append(fragments, m[1])
	}
	if len(whole) < 2 || len(fragments) == 0 {
		t.Fatalf("the guide has %d manifests and %d fragments", len(whole), len(fragments))
	}
	return whole, fragments
}

func TestGuideLoads(t *testing.T) {
	whole, fragments := examples(t)
	for name, src := range whole {
		load(t, name, []byte(src))
	}
	for _, f := range fragments {
		section := strings.TrimSpace(strings.SplitN(strings.TrimSpace(f), ":", 2)[0])
		host, ok := hosts[section]
		if !ok {
			t.Errorf("no manifest to try the fragment %q in", section)
			continue
		}
		load(t, "connectors/host.yaml", []byte(strings.Replace(host, "HERE\n", f, 1)))
	}
}

// hosts are manifests around the guide's fragments, by the fragment's first key.
var hosts = map[string]string{
	"window": `name: host
title: t
role: store
text: t
docs: d
request: {url: "https://example.com"}
streams:
  orders:
    entity: order
    list:
      get: /orders
      query: {from: "{{ window.from }}", to: "{{ window.to }}"}
      rows: body.data
HERE
    key: row.id
    unlisted: none
`,
}
