package alarm

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"github.com/minihub/minihub/connectors"
)

// Bounds of a robot's text in bytes.
const (
	mostWeCom    = 4096
	mostDingTalk = 18 << 10 // of the 20,000 that the request may have
	mostFeishu   = 18 << 10 // of 20 KB
)

// robotPause is how long a robot that was asked too often wants to be left alone.
const robotPause = time.Minute

func mac(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func errcode(answer []byte) func() (verdict, error) {
	return func() (verdict, error) {
		var a struct {
			Code *int64 `json:"errcode"`
			Text string `json:"errmsg"`
		}
		err := json.Unmarshal(answer, &a)
		return verdict{a.Code, a.Text}, err
	}
}

// wecom is a group robot of WeCom: the key in its URL is all.
type wecom struct{ caller }

func (r *wecom) Send(ctx context.Context, m Message) (string, error) {
	body := map[string]any{"msgtype": "markdown", "markdown": map[string]string{"content": m.Markdown(mostWeCom)}}
	status, answer, err := r.post(ctx, nil, body, nil)
	return judge(status, answer, err, errcode(answer), map[int64]time.Duration{45009: robotPause, 45033: robotPause})
}

// dingtalk is a custom robot of DingTalk. With a secret it signs "time\nsecret" under the
// secret, time in milliseconds; both go into the query.
type dingtalk struct {
	caller
	secret connectors.Secret
}

func (r *dingtalk) Send(ctx context.Context, m Message) (string, error) {
	query := url.Values{}
	if !r.secret.Empty() {
		at := strconv.FormatInt(r.now().UnixMilli(), 10)
		query = url.Values{"timestamp": {at}, "sign": {mac(r.secret.Reveal(), at+"\n"+r.secret.Reveal())}}
	}
	body := map[string]any{"msgtype": "markdown", "markdown": map[string]string{"title": cut(m.Title, 200), "text": m.Markdown(mostDingTalk)}}
	status, answer, err := r.post(ctx, query, body, nil)
	return judge(status, answer, err, errcode(answer), map[int64]time.Duration{130101: robotPause, 130102: robotPause, 410100: robotPause, 660026: robotPause})
}

// feishu is a custom robot of Feishu. With a secret it signs nothing under "time\nsecret",
// time in seconds; both go into the body.
type feishu struct {
	caller
	secret connectors.Secret
}

func (r *feishu) Send(ctx context.Context, m Message) (string, error) {
	body := map[string]any{"msg_type": "text", "content": map[string]string{"text": m.Plain(mostFeishu)}}
	if !r.secret.Empty() {
		at := strconv.FormatInt(r.now().Unix(), 10)
		body["timestamp"], body["sign"] = at, mac(at+"\n"+r.secret.Reveal(), "")
	}
	status, answer, err := r.post(ctx, nil, body, nil)
	return judge(status, answer, err, func() (verdict, error) {
		var a struct {
			Code *int64 `json:"code"`
			Text string `json:"msg"`
		}
		err := json.Unmarshal(answer, &a)
		return verdict{a.Code, a.Text}, err
	}, map[int64]time.Duration{11232: robotPause})
}
