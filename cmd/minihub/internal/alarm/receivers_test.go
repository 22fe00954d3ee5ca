package alarm_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/minihub/minihub/cmd/minihub/internal/alarm"
	"github.com/minihub/minihub/connectors"
)

func receiver(t *testing.T, target alarm.Target, now func() time.Time) alarm.Receiver {
	t.Helper()
	r, err := alarm.NewReceiver(target, http.DefaultClient, now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func message(detail string) alarm.Message {
	return alarm.Message{ID: "20261109-1-opened-1", At: time.Now(), Title: "[告警] erp 有 12 条消息失败 & <more>", Link: "https://hub.example.com/?alarm=20261109-1",
		Notices: []alarm.Notice{{What: alarm.Opened, Title: "[告警] erp 有 12 条消息失败 & <more>", Detail: detail, Mend: "看 `messages`"}}}
}

func TestEveryReceiverTakesWhatItsRulesAllow(t *testing.T) {
	for kind, answer := range map[string]string{"webhook": "HTTP 200 thanks", "wecom": "0 ok", "dingtalk": "0 ok", "feishu": "0 success"} {
		t.Run(kind, func(t *testing.T) {
			fake, server := newRobot(t, kind, time.Now)
			target := alarm.Target{Name: "r", Kind: kind, URL: connectors.NewSecret(fake.address(server.URL)), Secret: connectors.NewSecret(signSecret)}
			if kind == "webhook" {
				target.Secret = connectors.NewSecret(hookSecret)
			}
			r := receiver(t, target, time.Now)
			got, err := r.Send(t.Context(), message("Seit gestern"))
			if err != nil || got != answer {
				t.Fatalf("the answer is %q, %v; want %q", got, err, answer)
			}
			if said := fake.taken()[0]; !strings.Contains(said, "有 12 条消息失败 & <more>") || !strings.Contains(said, "https://hub.example.com/?alarm=20261109-1") {
				t.Errorf("it heard\n%s", said)
			}
			// A text that is too long is cut at a character's end, and its link stays.
			if _, err := r.Send(t.Context(), message(strings.Repeat("很长的说明", 9000))); err != nil {
				t.Fatal(err)
			}
			if said := fake.taken()[1]; !utf8.ValidString(said) || !strings.Contains(said, "alarm=20261109-1") {
				t.Errorf("a long text ends in %q", said[len(said)-80:])
			}
		})
	}
}

func TestWrongKeysAreRefusedInTheReceiversWords(t *testing.T) {
	cases := []struct{ kind, wrong, want string }{
		{"wecom", "url", "93000 invalid webhook url"},
		{"dingtalk", "url", "300005 token is not exist"},
		{"dingtalk", "secret", "310000 sign not match"},
		{"dingtalk", "clock", "310000 invalid timestamp"},
		{"feishu", "url", "19001 param invalid"},
		{"feishu", "secret", "19021 sign match fail"},
		{"feishu", "clock", "19021 sign match fail"},
		{"webhook", "secret", "HTTP 401 bad signature"},
		{"webhook", "clock", "HTTP 401 bad signature"},
	}
	for _, c := range cases {
		t.Run(c.kind+" "+c.wrong, func(t *testing.T) {
			fake, server := newRobot(t, c.kind, time.Now)
			url, secret, now := fake.address(server.URL), signSecret, time.Now
			if c.kind == "webhook" {
				secret = hookSecret
			}
			switch c.wrong {
			case "url":
				url = strings.Replace(url, robotKey, "another-key", 1)
			case "secret":
				secret = "whsec_YW5vdGhlci1zZWNyZXQtdGhhdC1pcy1sb25nLWVub3VnaA=="
			case "clock":
				now = func() time.Time { return time.Now().Add(-2 * time.Hour) }
			}
			r := receiver(t, alarm.Target{Name: "r", Kind: c.kind, URL: connectors.NewSecret(url), Secret: connectors.NewSecret(secret)}, now)
			_, err := r.Send(t.Context(), message("x"))
			var refused *alarm.Refusal
			if !errors.As(err, &refused) || !strings.Contains(refused.Answer, c.want) {
				t.Fatalf("it ended in %v, want %q", err, c.want)
			}
		})
	}
}

func TestTooManyMessagesAskForPatience(t *testing.T) {
	for _, kind := range []string{"wecom", "dingtalk", "feishu"} {
		fake, server := newRobot(t, kind, time.Now)
		r := receiver(t, alarm.Target{Name: "r", Kind: kind, URL: connectors.NewSecret(fake.address(server.URL)), Secret: connectors.NewSecret(signSecret)}, time.Now)
		for range 20 {
			if _, err := r.Send(t.Context(), message("x")); err != nil {
				t.Fatal(kind, err)
			}
		}
		_, err := r.Send(t.Context(), message("x"))
		var refused *alarm.Refusal
		if !errors.As(err, &refused) || refused.Wait != time.Minute {
			t.Errorf("%s: the 21st of a minute ended in %v", kind, err)
		}
	}
}

// A robot's URL is its key: no error may carry it (Invariant 8).
func TestNoErrorCarriesAKey(t *testing.T) {
	fake, server := newRobot(t, "wecom", time.Now)
	url := fake.address(server.URL)
	server.Close()
	for _, u := range []string{url, "http://bad host/" + robotKey, "://" + robotKey, "http://127.0.0.1:1/%zz" + robotKey} {
		r := receiver(t, alarm.Target{Name: "r", Kind: "wecom", URL: connectors.NewSecret(u)}, time.Now)
		_, err := r.Send(t.Context(), message("x"))
		if err == nil || strings.Contains(err.Error(), robotKey) {
			t.Errorf("the error is %v", err)
		}
	}
}

func TestAnAnswerThatIsNoRobotsIsAFailure(t *testing.T) {
	for _, said := range []string{"<html>login</html>", "{}", `{"errcode":"0"}`, ""} {
		fake, server := newRobot(t, "dingtalk", time.Now)
		fake.refuse = func(int) (int, http.Header, string) { return 200, nil, said }
		r := receiver(t, alarm.Target{Name: "r", Kind: "dingtalk", URL: connectors.NewSecret(fake.address(server.URL))}, time.Now)
		if answer, err := r.Send(t.Context(), message("x")); err == nil {
			t.Errorf("%q was taken for %q", said, answer)
		}
	}
}
