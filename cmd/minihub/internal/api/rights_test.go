package api

import (
	"slices"
	"strings"
	"testing"

	"github.com/minihub/minihub/cmd/minihub/internal/people"
)

// A call that changes something has a name in the audit, and keeps nothing personal there.
func TestEveryChangingCallIsNamedInTheAudit(t *testing.T) {
	never := []string{"password", "old", "new", "value", "document", "invite", "token", "body", "phone", "name"}
	for pattern, c := range calls {
		method, _, _ := strings.Cut(pattern, " ")
		if strings.HasPrefix(pattern, "/") {
			method = "GET"
		}
		if changing(method) != (c.act != "") {
			t.Errorf("%s: its act in the audit is %q", pattern, c.act)
		}
		if c.looks && (c.own || c.dry != "" || len(c.keep) > 0 || !strings.HasSuffix(pattern, "/edit/check") && !strings.HasSuffix(pattern, "/edit/rehearsal")) {
			t.Errorf("%s is not noted", pattern)
		}
		if c.own && len(c.keep) > 0 || c.act == "" && (c.own || c.dry != "" || len(c.keep) > 0) {
			t.Errorf("%s: fields are kept that no entry would have", pattern)
		}
		for _, k := range c.keep {
			if slices.Contains(never, k[strings.LastIndexByte(k, '.')+1:]) {
				t.Errorf("%s keeps %s", pattern, k)
			}
		}
		if c.sees && (c.act != "" || target(pattern, func(string) string { return "7" }) == "") {
			t.Errorf("%s shows a document, and the audit could not say whose", pattern)
		}
		if c.right == "" || c.right == people.Public && !c.own && pattern != "GET /api/v1/session/ways" {
			t.Errorf("%s: right %q", pattern, c.right)
		}
	}
}

func TestWhatACallIsAbout(t *testing.T) {
	for pattern, want := range map[string]string{"POST /api/v1/messages/{id}/reveal": "message 7", "POST /api/v1/deliveries/{id}/discard": "delivery 7",
		"POST /api/v1/people/{name}/password": "person 7", "POST /api/v1/connections/{name}/pause": "connection 7", "POST /api/v1/apply/back": "", "POST /api/v1/lookups": ""} {
		if got := target(pattern, func(string) string { return "7" }); got != want {
			t.Errorf("%s is about %q, want %q", pattern, got, want)
		}
	}
}
