package manifest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/manifest/internal/formula"
)

// seen is a request as a server saw it.
type seen struct {
	path   string
	query  url.Values
	header http.Header
	body   string
}

func (s seen) form() url.Values {
	v, _ := url.ParseQuery(s.body)
	return v
}

// ask loads a manifest around sections, calls its ping, and tells what went out.
func ask(t *testing.T, sections, ping string, secrets map[string]string, now time.Time) seen {
	t.Helper()
	var got seen
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = seen{r.URL.Path, r.URL.Query(), r.Header, string(b)}
		_, _ = io.WriteString(w, `{}`)
	}))
	t.Cleanup(srv.Close)
	src := "name: host\ntitle: t\nrole: any\ntext: t\ndocs: d\nconfig:\n  url: {kind: url, text: u}\n"
	for name := range secrets {
		src += "  " + name + ": {kind: secret, text: s}\n"
	}
	src += sections + "\nping:\n" + ping + "\nstreams:\n  orders: {entity: order, key: row.id, list: {get: /, rows: body.rows}, unlisted: none}\n"
	c := load(t, "host.yaml", []byte(src))
	v := connectors.Values{Text: map[string]string{"url": srv.URL}, Secrets: map[string]connectors.Secret{}}
	for n, s := range secrets {
		v.Secrets[n] = connectors.NewSecret(s)
	}
	cfg, errs := connectors.NewConfig(c.Config, v)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	conn, err := c.OpenConnection(t.Context(), cfg, connectors.Env{Now: func() time.Time { return now }, Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.(connectors.Pinger).Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	return got
}

// TestSignatures holds the language to published and independently computed signatures.
func TestSignatures(t *testing.T) {
	const qimen = `<?xml version="1.0" encoding="utf-8"?><request><warehouseCode>WH01</warehouseCode><ownerCode>OWN01</ownerCode><orderCode>WX202501010001</orderCode><orderType>JYCK</orderType><cancelReason>买家取消</cancelReason></request>`
	for _, tc := range []struct {
		name, sections, ping string
		secret               string
		now                  int64
		want                 string
	}{
		{"secret in front, sorted form", `
request: {url: "{{ config.url }}", format: form}
sign: {parts: ["{{ secret.s }}", params], params: {from: [body]}, digest: md5, put: {body: sign}}`, `
  post: /orders
  body:
    app_key: demoAppKey
    version: 2
    access_token: demoToken
    timestamp: 1735696800
    charset: utf-8
    empty: ""
    biz: '[{"shop_id":10001,"so_id":"WX202501010001","order_date":"2025-01-01 10:00:00","shop_status":"WAIT_SELLER_SEND_GOODS","shop_buyer_id":"买家A"}]'`,
			"demoSecret0001", 0, "d6f4e7af09bc33318d17ef497d1d3636"},
		{"token call with stamp", `
request: {url: "{{ config.url }}", format: form}
sign: {parts: ["{{ secret.s }}", params], params: {from: [body]}, digest: md5, put: {body: sign}}
auth: {kind: header, put: {body: {timestamp: "{{ stamp }}"}}}`, `
  post: /token
  body: {code: a1b2c3, grant_type: authorization_code, charset: utf-8, app_key: demoAppKey}`,
			"demoSecret0001", 1735696800, "14489f0bb040f66da98914e482b7e71d"},
		{"secret at both ends, body behind the query, upper case", `
request: {url: "{{ config.url }}", format: text, query: {method: order.cancel, timestamp: "{{ stamp }}", format: xml, app_key: "12345678", v: "2.0", sign_method: md5, customerId: c1234567}}
sign:
  parts: ["{{ secret.s }}", params, body, "{{ secret.s }}"]
  params: {from: [query]}
  digest: md5
  case: upper
  stamp: {format: datetime, zone: Asia/Shanghai}
  put: {query: sign}`, `
  post: /
  body: '` + qimen + `'`, "qimenSecret", 1735696800, "4CDFA8205187DAEE7FADC07D4F08741E"},
		{"hmac-md5 of the same", `
request: {url: "{{ config.url }}", format: text, query: {method: order.cancel, timestamp: "{{ stamp }}", format: xml, app_key: "12345678", v: "2.0", sign_method: hmac, customerId: c1234567}}
sign:
  parts: [params, body]
  params: {from: [query]}
  digest: hmac-md5
  key: "{{ secret.s }}"
  case: upper
  stamp: {format: datetime, zone: Asia/Shanghai}
  put: {query: sign}`, `
  post: /
  body: '` + qimen + `'`, "qimenSecret", 1735696800, "73E3657505DF835E3BCCD273C7E7D101"},
		{"a pseudo-field for the body, a stamp with an offset", `
request: {url: "{{ config.url }}", format: text, query: {sid: demo, key: demo-key, salt: saltpart, method: sales.LogisticsSync.getSyncListExt, v: "1.0", timestamp: "{{ stamp }}", page_size: 100, page_no: 0, calc_total: 1}}
sign:
  parts: ["{{ secret.s }}", params, "{{ secret.s }}"]
  params: {from: [query], with: {body: body}}
  digest: md5
  stamp: {format: unix, offset: "-368152h"}
  put: {query: sign}`, `
  post: /
  body: '[{"shop_no":"SH01","is_own_platform":true}]'`, "s3cretpart", 1735696800, "cd5bf4adcb7d66dd5c3b8e865557107c"},
		{"escaped before the digest, base64", `
request: {url: "{{ config.url }}", format: form}
sign:
  parts: ["{{ fields.msgData }}", "{{ stamp }}", "{{ secret.s }}"]
  escape: url
  digest: md5
  encoding: base64
  stamp: {format: millis}
  put: {body: sign}`, `
  post: /
  body: {msgData: "{\"orderId\":\"HUB 2*~(1)!'\",\"remark\":\"易碎 & 轻放+10%\"}"}`, "demoCheckWord0123456789abcdefABCD", 1767225600, "m4bJYM7AymTwS93rHFsq0w=="},
		{"names and values joined, a part that is not sent, in a fixed order", `
request: {url: "{{ config.url }}", format: form}
sign:
  parts: [params]
  params: {from: [body], order: given, only: [key, requestTime, secret, version, serviceType, data], with: {secret: "{{ secret.s }}"}, pair: "=", join: "&"}
  digest: md5
  stamp: {format: compact, zone: Asia/Shanghai}
  put: {body: sign}`, `
  post: /
  body: {data: '{"order_sn":"WX202501010001"}', key: demo, version: "3.0", serviceType: order.detail.add, requestTime: "20250101100000"}`, "demoSecret", 1735696800, "08e5834492a7535e0a2fb2fd42d19a0c"},
		{"values in order, sha256", `
request: {url: "{{ config.url }}"}
sign:
  parts: [params]
  params: {from: [body], order: values, values_only: true, with: {appSecret: "{{ secret.s }}"}}
  digest: sha256
  put: {body: sign}`, `
  post: /
  body: {acctID: 60a1b2c3d4e5f6, username: admin, appId: 200001_AbCdEfGh, timestamp: "1735696800"}`, "0123456789abcdef0123456789abcdef", 1735696800, "6bc8b51a6abd4b86927375761c0e65156de8cc7dce7c676be019a472fd95d8a3"},
		{"hmac-sha256 in base64", `
request: {url: "{{ config.url }}", query: {appKey: demoAppKey, timestamp: "{{ stamp }}"}}
sign: {parts: [params], params: {from: [query]}, digest: hmac-sha256, key: "{{ secret.s }}", encoding: base64, stamp: {format: millis}, put: {query: sign}}`, `
  get: /`, "demoAppSecret", 1735696800, "u+pZLFBE69Yc0MKcAQpzsxwQ85e//U7kRjXsDviNSh8="},
		{"base64 of the hex text", `
request: {url: "{{ config.url }}", format: form}
sign: {parts: ["{{ fields.RequestData }}", "{{ secret.s }}"], digest: md5, encoding: base64_hex, put: {body: sign}}`, `
  post: /
  body: {RequestData: '{"OrderCode":"","ShipperCode":"ZTO","LogisticCode":"75300000000001"}'}`, "demo-kdniao-appkey", 0, "ODIxNmQzZGY5MjhmY2NhOGE4MTg0MmIyYTNmNGZhMGU="},
		{"body and secret with a sign between, in a header", `
request: {url: "{{ config.url }}", format: text}
sign: {parts: [body, "{{ secret.s }}"], join: _, digest: md5, put: {header: X-Sign}}`, `
  post: /
  body: '{"mailno":"430000000000001"}'`, "demoYundaSecret", 0, "140c9c3d69a5a627e375db154389a824"},
		{"path and names of its own", `
request: {url: "{{ config.url }}", format: text, query: {v: "2.0", timestamp: "{{ stamp }}", app_key: demoAppKey, access_token: demoToken}}
sign:
  parts: ["{{ secret.s }}", params, "{{ secret.s }}"]
  params: {from: [query], with: {method: "{{ call.path }}", param_json: body}}
  digest: md5
  stamp: {format: datetime, zone: Asia/Shanghai}
  put: {query: sign}`, `
  post: /ecap/v1/orders/trace/query
  body: '[{"waybillCode":"JDV000000000001","customerCode":"010K000000","orderOrigin":1}]'`, "demoJdlSecret", 1767225600, "0cd32ddceae305ca8224f160e9a99df2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := ask(t, tc.sections, tc.ping, map[string]string{"s": tc.secret}, time.Unix(tc.now, 0))
			for _, sig := range []string{got.query.Get("sign"), got.form().Get("sign"), got.header.Get("X-Sign")} {
				if sig == tc.want {
					return
				}
			}
			if strings.Contains(got.body, `"sign":"`+tc.want+`"`) {
				return
			}
			t.Errorf("the signature %s is not in the request: %s %s %v", tc.want, got.query, got.body, got.header.Get("X-Sign"))
		})
	}
}

func TestRSASignature(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), base64.StdEncoding.EncodeToString(der)} {
		got := ask(t, `
request: {url: "{{ config.url }}", query: {a: "1"}}
sign: {parts: ["{{ call.method }}", path, query, body], join: "\n", digest: rsa-sha256, key: "{{ secret.s }}", encoding: base64, put: {header: X-Sign, prefix: "RSA "}}`, `
  post: /x
  body: {n: 9007199254740993}`, map[string]string{"s": text}, time.Unix(0, 0))
		raw, ok := strings.CutPrefix(got.header.Get("X-Sign"), "RSA ")
		sig, err := base64.StdEncoding.DecodeString(raw)
		h := sha256.Sum256([]byte("POST\n/x\na=1\n" + `{"n":9007199254740993}`))
		if !ok || err != nil || rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, h[:], sig) != nil {
			t.Errorf("the signature %q does not verify", got.header.Get("X-Sign"))
		}
	}
}

// FuzzSign builds the text of a signature from any parameters: never a panic, the same
// each time, and the signature's own parameter has no part in it.
func FuzzSign(f *testing.F) {
	f.Add("a", "1", "b", "2", `{"x":1}`, "=", "&", true)
	f.Add("sign", "x", "", "", "\x00", "", "", false)
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2, body, pairSep, join string, given bool) {
		order := "sorted"
		if given {
			order = "given"
		}
		secret, err := formula.CompileTemplate("{{ secret.s }}", []string{"secret"})
		if err != nil {
			t.Fatal(err)
		}
		s := &signSpec{Digest: "hmac-sha256", Key: tmpl{t: secret}, Escape: "url", Parts: []tmpl{{source: "params"}, {source: "body"}, {t: secret}},
			Params: &paramsSpec{Order: order, Pair: pairSep, Join: join}}
		env := formula.Env{"secret": map[string]any{"s": "invented"}}
		in := signed{query: []pair{{n1, v1}}, fields: []pair{{n2, v2}}, own: "sign", body: func() (string, error) { return body, nil }}
		text, err := s.text(in, env)
		if err != nil {
			t.Fatal(err)
		}
		sig, err := s.digest(text, env, &signKey{})
		if err != nil || len(sig) != 64 {
			t.Fatalf("%q %v", sig, err)
		}
		in.query = append(in.query, pair{"sign", "anything"})
		again, err := s.text(in, env)
		if err != nil || again != text {
			t.Fatalf("%q is not %q: %v", again, text, err)
		}
		if ok, err := s.verify(text, strings.ToUpper(sig), env, &signKey{}); !ok || err != nil {
			t.Fatalf("its own signature is refused: %v", err)
		}
		if ok, _ := s.verify(text+"x", sig, env, &signKey{}); ok {
			t.Fatal("a signature of another text is taken")
		}
	})
}
