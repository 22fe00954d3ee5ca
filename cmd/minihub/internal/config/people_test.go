package config

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestHowSignInsAreKept(t *testing.T) {
	h, ps := readHub("")
	if len(ps) > 0 || h.People.Idle != 2*time.Hour || h.People.Life != 12*time.Hour || len(h.People.Proxies) != 0 {
		t.Fatalf("defaults: %+v %v", h.People, ps)
	}
	h, ps = readHub("people:\n  trusted_proxies: [127.0.0.1, 10.1.2.3/16, '2001:db8::1']\n  session: { idle: 15m, life: 8h }\n")
	if got := fmt.Sprint(h.People); len(ps) > 0 || got != "{[127.0.0.1/32 10.1.0.0/16 2001:db8::1/128] 15m0s 8h0m0s <nil>}" {
		t.Fatalf("%s %v", got, ps)
	}
	for src, want := range map[string]string{
		"people: { trusted_proxies: [proxy] }":              `hub.yaml:2:29: people.trusted_proxies: "proxy" is neither`,
		"people: { trusted_proxies: ['0.0.0.0/0'] }":        "is everybody",
		"people: { session: { idle: 9h, life: 8h } }":       "hub.yaml:2:28: people.session.idle is longer than life",
		"people: { session: { idle: soon } }":               `"soon" is not a span`,
		"people: { session: { idle: 13h } }":                "is longer than life",
		"people: { sessions: { idle: 13h } }":               "sessions",
		"people: { trusted_proxies: '10.0.0.1' }":           "a list is wanted here",
		"people: { trusted_proxies: ['10.0.0.1', '::/0'] }": "is everybody",
	} {
		_, ps := readHub(src)
		if len(ps) == 0 || !strings.Contains(ps.Error(), want) {
			t.Errorf("%s: %v, want %q", src, ps, want)
		}
	}
}
