package sfexpress

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors"
)

func TestCodes(t *testing.T) {
	words := map[connectors.Outcome]string{connectors.Unknown: "unknown", connectors.NotSent: "not sent", connectors.Refused: "refused", connectors.Duplicate: "duplicate"}
	for _, c := range []struct{ service, code, text, want string }{
		{svcCreate, "A1001", "", "invalid operation not sent"},
		{svcCreate, "A1002", "", "unauthorized connection not sent"},
		{svcCreate, "A1003", "", "forbidden connection not sent"},
		{svcCreate, "A1004", "", "forbidden operation not sent"},
		{svcCreate, "A1005", "too fast", "rate_limited operation not sent 1s"},
		{svcCreate, "A1005", "超过每天调用次数", "quota operation not sent 12h0m0s"},
		{svcCreate, "A1006", "数字签名无效", "unauthorized connection not sent"},
		{svcCreate, "A1007", "", "conflict document unknown"},
		{svcCreate, "A1008", "", "unauthorized connection not sent"},
		{svcCreate, "A1009", "", "unavailable operation unknown"},
		{svcCreate, "A1010", "", "forbidden connection not sent"},
		{svcCreate, "A1099", "", "unavailable operation unknown"},
		{svcCreate, "S0003", "", "unavailable operation unknown"},
		{svcCreate, "S0002", "", "invalid document refused"},
		{svcCreate, "1010", "", "invalid document refused"},
		{svcCreate, "1016", "", "invalid document refused"},
		{svcCreate, "1023", "", "invalid document refused"},
		{svcCreate, "8096", "", "invalid document refused"},
		{svcCreate, "8057", "", "invalid document refused"},
		{svcCreate, "8067", "", "invalid document refused"},
		{svcCreate, "8114", "", "forbidden operation not sent"},
		{svcCreate, "8177", "", "rate_limited operation not sent 10m0s"},
		{svcCreate, "8016", "重复下单", "conflict document duplicate"},
		{svcUpdate, "8018", "", "not_found document refused"},
		{svcUpdate, "8037", "", "conflict document refused"},
		{svcUpdate, "8017", "", "conflict document refused"},
		{svcUpdate, "8168", "", "conflict document refused"},
		{svcUpdate, "8252", "", "conflict document refused"},
		{svcCreate, "8168", "", "unclassified document unknown"},
		{svcRoutes, "20028", "", "forbidden document refused"},
		{svcCreate, "4711", "", "unclassified document unknown"},
		{svcCreate, "", "", "unclassified document unknown"},
	} {
		e := vendorError(c.service, c.code, c.text, chinaNoon())
		got := fmt.Sprintf("%s %s %s", e.Kind, e.Scope, words[outcome(e)])
		if e.Wait > 0 {
			got += " " + e.Wait.Truncate(time.Second).String()
		}
		if got != c.want {
			t.Errorf("%s %s: %s, want %s", c.service, c.code, got, c.want)
		}
	}
}

func TestAnswers(t *testing.T) {
	inner := `{\"success\":true,\"errorCode\":\"S0000\",\"msgData\":{\"orderId\":\"H1\",\"filterResult\":2,\"waybillNoInfoList\":[{\"waybillType\":\"1\",\"waybillNo\":\"SF1\"},{\"waybillType\":2,\"waybillNo\":\"SF2\"},{\"waybillType\":3,\"waybillNo\":\"SF3\"}]}}`
	plain := `{"success":"true","errorCode":"S0000","msgData":"{\"filterResult\":\"2\",\"waybillNoInfoList\":[{\"waybillType\":1,\"waybillNo\":\"SF1\"}]}"}`
	for _, c := range []struct {
		status     int
		body, want string
	}{
		{http.StatusOK, `{"apiResultCode":"A1000","apiResultData":"` + inner + `"}`, "1 [{orderId H1} {waybill SF1} {child_waybill SF2} {return_waybill SF3}]"},
		{http.StatusOK, `{"apiResultCode":"A1000","apiResultData":` + plain + `}`, "1 [{orderId H1} {waybill SF1}]"},
		{http.StatusOK, `{"apiResultCode":"A1000","apiResultData":"{\"success\":true,\"msgData\":null}"}`, "0 unreadable"},
		{http.StatusOK, `{"apiResultCode":"A1000","apiResultData":"{\"success\":true,\"msgData\":{\"waybillNoInfoList\":7}}"}`, "0 unreadable"},
		{http.StatusOK, `{"apiResultCode":"A1000","apiResultData":"{\"success\":true,\"msgData\":{\"filterResult\":1}}"}`, "2"},
		{http.StatusOK, `{"apiResultCode":"A1000","apiResultData":"{\"success\":true,\"msgData\":{\"filterResult\":3,\"remark\":\"2\"}}"}`, "4 invalid"},
		{http.StatusOK, `{"apiResultCode":"A1000","apiResultData":"{\"success\":false,\"errorCode\":8016}"}`, "5 conflict"},
		{http.StatusOK, `{"apiResultCode":"A1000","apiResultData":"{\"success\":true,\"errorCode\":\"8016\"}"}`, "5 conflict"},
		{http.StatusOK, `{"apiResultCode":"A1000","apiResultData":"{\"errorCode\":\"S0000\"}"}`, "0 unreadable"},
		{http.StatusOK, `{"apiResultCode":"A1000","apiResultData":""}`, "0 unreadable"},
		{http.StatusOK, `{"apiResultCode":"A1000"}`, "0 unreadable"},
		{http.StatusOK, `{"apiResultCode":"A1006","apiErrorMsg":"数字签名无效"}`, "3 unauthorized"},
		{http.StatusOK, `{}`, "0 unclassified"},
		{http.StatusOK, `[]`, "0 unreadable"},
		{http.StatusOK, ``, "0 unreadable"},
		{http.StatusOK, `<html></html>`, "0 unavailable"},
		{http.StatusBadGateway, `{}`, "0 unavailable"},
		{http.StatusForbidden, `no`, "3 forbidden"},
	} {
		r := deliver(t, stub(t, c.status, c.body), opCreate, orderOf("H1"))
		got := fmt.Sprint(int(r.Outcome))
		if len(r.RemoteIDs) > 0 {
			got += fmt.Sprint(" ", r.RemoteIDs)
		}
		if r.Err != nil {
			got += " " + string(r.Err.Kind)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.body, got, c.want)
		}
	}
}

func TestCancelAnswers(t *testing.T) {
	for data, want := range map[string]connectors.Outcome{`{"resStatus":2}`: connectors.Done, `{"resStatus":"2"}`: connectors.Done, `{"resStatus":1}`: connectors.Refused, `{}`: connectors.Unknown, `null`: connectors.Unknown} {
		c := stub(t, http.StatusOK, `{"apiResultCode":"A1000","apiResultData":{"success":true,"errorCode":"S0000","msgData":`+data+`}}`)
		if r := deliver(t, c, opCancel, connectors.Delivery{ID: "1", Key: "H1", Document: []byte(`{}`)}); r.Outcome != want {
			t.Errorf("%s: %d %v", data, r.Outcome, r.Err)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for _, s := range []string{`{"success":true,"msgData":{"waybillNoInfoList":[{"waybillType":1,"waybillNo":"SF1"}]}}`, `"\"{}\""`, `null`, `7`, "\x00", `{"routeResps":[{"mailNo":"SF1","routes":[{"acceptTime":"2026-01-01 00:00:00"}]}]}`, `{"Body":{"WaybillRoute":{"mailno":"SF0000000001"}}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if m, err := readMade(body); err == nil && m.master == "" && len(m.remoteIDs("H1")) > 1+len(m.children)+len(m.receipts) {
			t.Fatal("a waybill out of nothing")
		}
		items, err := readRoutes(body, []string{"SF1"})
		for _, i := range items {
			if err != nil || i.Key != "SF1" || i.Version <= 0 || len(i.Body) == 0 {
				t.Fatalf("item %+v", i)
			}
		}
		numbers, perr := pushed(body)
		if perr == nil && len(numbers) == 0 {
			t.Fatal("a push of nothing")
		}
	})
}
