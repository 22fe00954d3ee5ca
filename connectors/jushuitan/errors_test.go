package jushuitan

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/internal/vendorhttp"
)

func TestCodesOfTheEnvelope(t *testing.T) {
	at := time.Unix(1735696815, 0)               // 15 s into a minute
	cases := []struct{ code, msg, want string }{ // kind scope sent code wait
		{"10", "无效签名", "unauthorized connection false 10 0s"},
		{"100", "验证失败!无效的access_token", "unauthorized connection false 100 0s"},
		{"102", "access_token已过期", "unauthorized connection false 100 0s"},
		{"110", "ip不在白名单", "forbidden connection false 110 0s"},
		{"120", "签名错误", "unauthorized connection false 120 0s"},
		{"130", "传输数据为空", "invalid document false 130 0s"},
		{"140", "时间戳超出范围", "unavailable connection false 140 0s"},
		{"140", "参数错误", "invalid document false 140 0s"},
		{"150", "请重新授权", "unauthorized connection false 150 0s"},
		{"150", "内部异常", "unavailable connection true 150 0s"},
		{"160", "保存失败", "unavailable connection true 160 0s"},
		{"170", "店铺不存在", "invalid document false 170 0s"},
		{"180", "时间戳过期", "unavailable connection false 140 0s"},
		{"190", "无权限", "forbidden operation false 190 0s"},
		{"199", "频次超限", "rate_limited connection false 199 1s"},
		{"200", "频次超限", "rate_limited connection false 200 45s"},
		{"987", "从未见过", "unclassified document true 987 0s"},
	}
	for _, tc := range cases {
		e := classify(tc.code, tc.msg, at)
		if got := fmt.Sprint(e.Kind, " ", e.Scope, " ", e.Sent, " ", e.Code, " ", e.Wait); got != tc.want || e.Text != tc.msg {
			t.Errorf("%s %s: %s, want %s", tc.code, tc.msg, got, tc.want)
		}
	}
}

func TestFailedRows(t *testing.T) {
	for msg, want := range map[string]connectors.Outcome{
		"shop_id:不能为空": connectors.Refused, "订单已发货": connectors.Refused, "系统繁忙": connectors.NotSent, "请稍后再试": connectors.NotSent,
	} {
		out, e := rowError(msg)
		if out != want || e.Sent || e.Scope != connectors.OfDocument || e.Text != msg {
			t.Errorf("%s: outcome %d, %+v", msg, out, e)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for _, b := range []string{
		`{"code":0,"msg":"","data":{"datas":[{"o_id":5550001,"so_id":"A","issuccess":true,"msg":""}]}}`,
		`{"code":"199","msg":"x"}`, `{"code":0,"data":"ok"}`, `{"code":0,"data":{"datas":[1,null,{}]}}`, `[]`, `<html>`, `{"code":0`, `{"code":null}`,
	} {
		f.Add([]byte(b))
	}
	c := &connection{now: time.Now}
	u, _ := uploads(opOrder)
	f.Fuzz(func(t *testing.T, body []byte) {
		data, err := c.open(&vendorhttp.Answer{Status: http.StatusOK, Header: http.Header{}, Body: body})
		if err != nil {
			if err.Kind == "" || err.Scope == "" {
				t.Fatalf("an error without a class: %+v", err)
			}
			return
		}
		for _, v := range list(object(data)["datas"]) {
			var res connectors.Result
			u.read(object(v), &res)
			if res.Outcome == connectors.Done && text(object(v)["issuccess"]) != "true" || res.Outcome != connectors.Done && res.Err == nil {
				t.Fatalf("row %v gives %+v", v, res)
			}
		}
		summaries(fold(list(object(data)["orders"])))
	})
}
