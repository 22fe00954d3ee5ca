package config

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/minihub/minihub/cmd/minihub/internal/alarm"
	"github.com/minihub/minihub/mappings/mapper"
)

const hubHead = "secrets: {search_key: '${env:KEY}'}\n"

// readHub reads a hub.yaml whose references all resolve to what env says.
func readHub(src string) (Hub, mapper.Problems) {
	env := map[string]string{"KEY": "k", "ROBOT": "https://robot.example.com/send?key=invented", "SIGN": "SECinvented", "HOOK": "whsec_bm90LWEtc2VjcmV0LWJ1dC1pbnZlbnRlZC1mb3ItdGVzdHM=", "MAIL": "p"}
	l := &loader{fsys: fstest.MapFS{hubName: {Data: []byte(hubHead + src)}}, out: &Deployment{},
		opt: Options{Secrets: true, Env: func(n string) (string, bool) { v, ok := env[n]; return v, ok }}}
	l.hub()
	sortProblems(l.problems)
	return l.out.Hub, l.problems
}

func TestAlarmsHaveSensibleDefaults(t *testing.T) {
	h, ps := readHub("")
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	if diff := cmp.Diff(alarm.Defaults(), h.Alarms.Rules); diff != "" || h.Alarms.Remind != 4*time.Hour || h.Alarms.Language != "en" {
		t.Errorf("defaults: %s, %+v", diff, h.Alarms)
	}
}

func TestAlarmsAreRead(t *testing.T) {
	h, ps := readHub(`alarms:
  language: zh
  public_url: https://hub.example.com/desk
  remind: off
  rules:
    oldest: 1h
    backlog: off
    failures: { least: 20, percent: 10%, most: off, within: 30m }
    silence: off
    quota: 80
    disk: 5GiB
    gate: 1m
  receivers:
    - { receiver: group, kind: wecom, url: '${env:ROBOT}' }
    - { receiver: ding, kind: dingtalk, url: '${env:ROBOT}', secret: '${env:SIGN}' }
    - { receiver: hook, kind: webhook, url: https://hooks.example.com/in, secret: '${env:HOOK}' }
    - { receiver: post, kind: mail, server: 'smtp.example.com:465', user: hub, password: '${env:MAIL}', from: hub@example.com, to: [ops@example.com] }
`)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	a := h.Alarms
	want := alarm.Defaults()
	want.Oldest, want.Backlog, want.Silence, want.Quota, want.Disk, want.Gate = time.Hour, 0, false, 80, 5<<30, time.Minute
	want.Failures = alarm.Failures{Least: 20, Percent: 10, Within: 30 * time.Minute}
	if diff := cmp.Diff(want, a.Rules); diff != "" {
		t.Error(diff)
	}
	if a.Language != "zh" || a.PublicURL != "https://hub.example.com/desk/" || a.Remind != 0 || len(a.Receivers) != 4 || !a.Receivers[3].Mail.Implicit {
		t.Errorf("read %+v", a)
	}
	if a.Receivers[0].URL.Reveal() != "https://robot.example.com/send?key=invented" || a.Receivers[1].Secret.Reveal() != "SECinvented" {
		t.Error("the secrets are not those that the file refers to")
	}
}

func TestMistakesInAlarmsAreNamedAtTheirLine(t *testing.T) {
	cases := map[string]string{
		"alarms: { language: fr }":                                                                                                          "hub.yaml:2:21: alarms.language \"fr\" is unknown",
		"alarms: { public_url: 'hub' }":                                                                                                     "hub.yaml:2:23: alarms.public_url is no address",
		"alarms: { public_url: 'https://a:b@hub' }":                                                                                         "is no address",
		"alarms:\n  rules: { oldest: soon }":                                                                                                "hub.yaml:3:20: \"soon\" is not a span",
		"alarms:\n  rules: { silence: maybe }":                                                                                              "hub.yaml:3:21: \"maybe\" is neither on nor off",
		"alarms:\n  rules: { quota: 120 }":                                                                                                  "\"120\" is not a share",
		"alarms:\n  rules: { failures: { within: 9h } }":                                                                                    "within is too long",
		"alarms:\n  rules: { olddest: 1h }":                                                                                                 "unknown key \"olddest\"",
		"alarms:\n  receivers:\n    - { kind: wecom, url: '${env:ROBOT}' }":                                                                 "hub.yaml:4:15: a receiver of alarms has no name",
		"alarms:\n  receivers:\n    - { receiver: a, kind: wechat }":                                                                        "kind \"wechat\", which is unknown",
		"alarms:\n  receivers:\n    - { receiver: a, kind: wecom }":                                                                         "hub.yaml:4:19: receiver \"a\" has no url",
		"alarms:\n  receivers:\n    - { receiver: a, kind: wecom, url: 'https://x/send?key=1' }":                                            "a robot's url carries its key",
		"alarms:\n  receivers:\n    - { receiver: a, kind: wecom, url: '${env:ROBOT}', secret: '${env:SIGN}' }":                             "a receiver of kind wecom has no secret",
		"alarms:\n  receivers:\n    - { receiver: a, kind: webhook, url: 'https://x', secret: '${env:SIGN}' }":                              "no whsec_",
		"alarms:\n  receivers:\n    - { receiver: a, kind: feishu, url: '${env:SIGN}' }":                                                    "the url of receiver \"a\" is none",
		"alarms:\n  receivers:\n    - { receiver: a, kind: feishu, url: '${env:GONE}' }":                                                    "GONE is not set",
		"alarms:\n  receivers:\n    - { receiver: a, kind: mail, server: smtp, from: a@b.example, to: [c@d.example] }":                      "is not HOST:PORT",
		"alarms:\n  receivers:\n    - { receiver: a, kind: mail, server: 'smtp:25', from: a, to: [c@d.example] }":                           "from \"a\" is not an e-mail address",
		"alarms:\n  receivers:\n    - { receiver: a, kind: mail, server: 'smtp:25', from: a@b.example }":                                    "sends to nobody",
		"alarms:\n  receivers:\n    - { receiver: a, kind: mail, server: 'smtp:25', security: none, from: a@b.example, to: [c@d.example] }": "security \"none\" is unknown",
		"alarms:\n  receivers:\n    - { receiver: a, kind: mail, server: 'smtp:25', user: u, from: a@b.example, to: [c@d.example] }":        "only one of user and password",
		"alarms:\n  receivers:\n    - &r { receiver: a, kind: wecom, url: '${env:ROBOT}' }\n    - *r":                                       "two receivers named \"a\"",
	}
	for src, want := range cases {
		_, ps := readHub(src + "\n")
		if len(ps) != 1 || !strings.Contains(ps[0].Error(), want) {
			t.Errorf("%s\ngives %v\nwant %q", src, ps, want)
		}
	}
}

func FuzzAlarms(f *testing.F) {
	f.Add("{ language: zh, rules: { quota: 80%, disk: 5GiB } }")
	f.Add("{ receivers: [{ receiver: a, kind: mail, server: 'h:1', from: a@b.c, to: [x@y.z] }] }")
	f.Fuzz(func(t *testing.T, src string) {
		h, ps := readHub("alarms: " + src + "\n")
		if len(ps) == 0 {
			alarm.New(h.Alarms, alarm.Options{})
		}
	})
}
