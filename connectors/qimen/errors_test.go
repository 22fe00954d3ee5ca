package qimen

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/minihub/minihub/connectors"
)

func TestFailures(t *testing.T) {
	for _, c := range []struct{ call, code, text, want string }{
		{callCreate, "sign-check-failure", "Illegal request", "unauthorized connection not sent"},
		{callCreate, "S003", "签名错误", "unauthorized connection not sent"},
		{callCreate, "gateway.7", "App Call Limited", "rate_limited connection not sent"},
		{callCreate, "7", "收货人为空", "invalid document refused"},
		{callCreate, "gateway.11", "Insufficient isv permissions", "forbidden connection not sent"},
		{callCreate, "gateway.22", "Invalid method", "invalid operation not sent"},
		{callCreate, "isp.remote-service-timeout", "Remote service error", "unavailable connection unknown"},
		{callCreate, "E1", "处理超时，请稍后重试", "unavailable connection unknown"},
		{callCreate, "E1", "系统繁忙", "rate_limited connection not sent"},
		{callCreate, "E1", "订单WX1已存在", "conflict document duplicate"},
		{callCreate, "E1", "Order Already Exists", "conflict document duplicate"},
		{callCreate, "E1", "order exists", "conflict document duplicate"},
		{callCreate, "E1", "item does not exists", "invalid document refused"},
		{callCreate, "E1", "商品TEE不存在", "invalid document refused"},
		{callCreate, "E1", "明细行号重复", "invalid document refused"},
		{callCreate, "E1", "订单已取消", "conflict document duplicate"},
		{callCreate, "E1", "缺少收货人", "invalid document refused"},
		{callCancel, "E1", "已拣货，不允许取消", "conflict document refused"},
		{callCancel, "E1", "订单不存在", "not_found document refused"},
		{callCancel, "E1", "订单已取消", "conflict document duplicate"},
		{callQuery, "E1", "订单不存在", "not_found document refused"},
		{callQuery, "E1", "接口未开通", "forbidden operation not sent"},
		{callQuery, "E1", "怪", "unclassified document unknown"},
	} {
		e := failure(c.call, []string{"", c.code}, c.text)
		words := map[connectors.Outcome]string{connectors.Unknown: "unknown", connectors.NotSent: "not sent", connectors.Refused: "refused", connectors.Duplicate: "duplicate"}
		if got := fmt.Sprintf("%s %s %s", e.Kind, e.Scope, words[outcome(e)]); got != c.want {
			t.Errorf("%s %s %s: %s, want %s", c.call, c.code, c.text, got, c.want)
		}
		if (e.Kind == connectors.RateLimited) != (e.Wait > 0) {
			t.Errorf("%s: wait %v", c.text, e.Wait)
		}
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		status     int
		body, want string
	}{
		{http.StatusOK, `<response><flag>success</flag><code>0</code><message>ok</message></response>`, "done"},
		{http.StatusOK, `<?xml version="1.0" encoding="UTF-8"?><response><flag> Success </flag></response>`, "done"},
		{http.StatusOK, ``, "unreadable sent"},
		{http.StatusOK, `<response><flag>success</flag>`, "unreadable sent"},
		{http.StatusOK, `<response><code>0</code></response>`, "unreadable sent"},
		{http.StatusOK, `<response><flag>maybe</flag></response>`, "unreadable sent"},
		{http.StatusOK, `<!DOCTYPE r [<!ENTITY x "y">]><response><flag>success</flag></response>`, "unreadable sent"},
		{http.StatusOK, `<html><body>login</body></html>`, "unavailable sent"},
		{http.StatusOK, `<error_response><code>15</code><msg>Remote service error</msg></error_response>`, "unavailable sent"},
		{http.StatusOK, `<error_response><code>25</code><msg>Invalid signature</msg><sub_code>isv.sign-check-failure</sub_code></error_response>`, "unauthorized not sent"},
		{http.StatusBadRequest, `<response><flag>failure</flag><code>sign-check-failure</code></response>`, "unauthorized not sent"},
		{http.StatusBadRequest, `no`, "invalid not sent"},
		{http.StatusForbidden, `<html></html>`, "forbidden not sent"},
		{http.StatusBadGateway, `<response><flag>success</flag></response>`, "unavailable sent"},
		{http.StatusAccepted, `<response><flag>success</flag></response>`, "done"},
		{http.StatusFound, `<response><flag>success</flag></response>`, "unclassified sent"},
	} {
		r := deliver(t, stub(t, answers(c.status, c.body)), opCreate, orderOf("WX1"))
		got := "done"
		if r.Outcome != connectors.Done {
			got = string(r.Err.Kind) + map[bool]string{true: " sent", false: " not sent"}[r.Err.Sent]
		}
		if got != c.want {
			t.Errorf("%d %s: %s, want %s", c.status, c.body, got, c.want)
		}
	}
}

func TestASplitOrderHasSeveralIDs(t *testing.T) {
	c := stub(t, answers(http.StatusOK, `<response><flag>success</flag><deliveryOrderId>A</deliveryOrderId>
		<deliveryOrders><deliveryOrder><deliveryOrderId>A</deliveryOrderId></deliveryOrder><deliveryOrder><deliveryOrderId>B</deliveryOrderId></deliveryOrder></deliveryOrders></response>`))
	r := deliver(t, c, opCreate, orderOf("WX1"))
	if got := fmt.Sprint(r.RemoteIDs); got != "[{deliveryOrderCode WX1} {deliveryOrderId A} {deliveryOrderId B}]" {
		t.Errorf("got %s", got)
	}
}

func TestAQueryThatAnswersForAnotherOrder(t *testing.T) {
	for body, presence := range map[string]connectors.Presence{
		`<response><flag>success</flag><deliveryOrder><deliveryOrderCode>WX2</deliveryOrderCode></deliveryOrder></response>`:                                         connectors.CannotTell,
		`<response><flag>success</flag><deliveryOrder/></response>`:                                                                                                  connectors.Absent,
		`<response><flag>success</flag><totalLines>x</totalLines><deliveryOrder><deliveryOrderCode>WX1</deliveryOrderCode></deliveryOrder></response>`:               connectors.CannotTell,
		`<response><flag>success</flag><totalLines>99999</totalLines><deliveryOrder><deliveryOrderCode>WX1</deliveryOrderCode></deliveryOrder></response>`:           connectors.CannotTell,
		`<response><flag>success</flag><deliveryOrder><deliveryOrderCode>WX1</deliveryOrderCode></deliveryOrder><orderLines><orderLine/></orderLines></response>`:    connectors.CannotTell,
		`<response><flag>success</flag><deliveryOrder><deliveryOrderCode>WX1</deliveryOrderCode></deliveryOrder></response>`:                                         connectors.Other,
		`<response><flag>success</flag><deliveryOrder><deliveryOrderCode>WX1</deliveryOrderCode><orderType>HHCK</orderType></deliveryOrder><orderLines/></response>`: connectors.Other,
	} {
		if f := lookup(t, stub(t, answers(http.StatusOK, body)), opCreate, orderOf("WX1")); f.Presence != presence {
			t.Errorf("%s: %d %v", body, f.Presence, f.Err)
		}
	}
}
