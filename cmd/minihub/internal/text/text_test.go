package text

import (
	"regexp"
	"slices"
	"testing"
)

var verb = regexp.MustCompile(`%[a-z]`)

// A translation takes the arguments that the English text takes, in its order.
func TestBothLanguagesTakeTheSameArguments(t *testing.T) {
	for id, p := range messages {
		if p.en == "" || p.zh == "" {
			t.Errorf("%s lacks a language", id)
		}
		if en, zh := verb.FindAllString(p.en, -1), verb.FindAllString(p.zh, -1); !slices.Equal(en, zh) {
			t.Errorf("%s takes %v in English and %v in Chinese", id, en, zh)
		}
	}
}

func TestTheLanguageFollowsTheLocale(t *testing.T) {
	env := map[string]string{"LANG": "zh_CN.UTF-8"}
	get := func(name string) string { return env[name] }
	if got := In(Locale(get)).Say(Never); got != "从未" {
		t.Errorf("with LANG=zh_CN.UTF-8 it says %q", got)
	}
	env["LC_ALL"] = "C"
	if got := In(Locale(get)).Say(Never); got != "never" {
		t.Errorf("with LC_ALL=C it says %q", got)
	}
	if got := (Texts{}).Say("no.such.id"); got != "no.such.id" {
		t.Errorf("an unknown id says %q", got)
	}
}

func TestWidthCountsChineseTwice(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "消息": 4, "聚水潭 J": 8, "（": 2} {
		if got := Width(s); got != want {
			t.Errorf("Width(%q) = %d, want %d", s, got, want)
		}
	}
}
