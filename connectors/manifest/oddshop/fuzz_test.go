package oddshop

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzActs sends anything to the operators' desk: it answers 200 or 400 and stays whole.
func FuzzActs(f *testing.F) {
	for _, s := range []string{`{"do":"sell"}`, `[{"do":"sell"},{"do":"edit_price","oid":9007199254740993,"line":0,"price_fen":5}]`,
		`[{"do":"delete","paging":true},{"do":"lose_token"}]`, `{"do":"edit_price","line":-1,"price_fen":-5}`, `[[]]`, ``, `null`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s := New(Options{})
		for range 2 {
			if _, err := s.Do(Act{Do: Sell}); err != nil {
				t.Fatal(err)
			}
		}
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/_sim/act", bytes.NewReader(body)))
		if rec.Code != http.StatusOK && rec.Code != http.StatusBadRequest {
			t.Fatalf("%q: %d %s", body, rec.Code, rec.Body)
		}
		for id, tr := range s.Truth() {
			if tr.Order.ID != id || tr.Order.Total != tr.Order.goods()+tr.Order.Freight || tr.Order.goods() < 0 {
				t.Fatalf("%q leaves order %+v", body, tr.Order)
			}
		}
	})
}

// FuzzCalls asks anything: the answer is HTTP 200 with an errno, always.
func FuzzCalls(f *testing.F) {
	for _, s := range []string{"m=order.list&shop_id=88012&state=0,10&page=1&size=2", "m=order.get&oids=1,2", "m=region.list&parent=-1",
		"m=order.list&since=2026-02-30+00:00:00", "m=order.list&page=99999999999999999999", "m=%zz", "m=order.list&page=1000000&size=100&shop_id=88012&state=0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		s := New(Options{NoticeEvery: -1})
		if _, err := s.Do(Act{Do: Sell}); err != nil {
			t.Fatal(err)
		}
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Skip()
		}
		q.Set("token", s.Credentials()["token"])
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, apiPath+"?"+q.Encode(), nil))
		if rec.Code != http.StatusOK || !strings.HasPrefix(rec.Body.String(), `{"errno":`) {
			t.Fatalf("%q: %d %s", query, rec.Code, rec.Body)
		}
	})
}
