package salesforce

import (
	"encoding/json"
	"testing"
)

func TestMinorUnits(t *testing.T) {
	for _, tc := range []struct {
		v        any
		currency string
		want     int64
		ok       bool
	}{
		{json.Number("96.00"), "CNY", 9600, true},
		{json.Number("9.6E1"), "CNY", 9600, true},
		{"-0.01", "USD", -1, true},
		{"5000", "JPY", 5000, true},
		{"1.234", "KWD", 1234, true},
		{"1.234", "CNY", 0, false},
		{"92233720368547758.08", "CNY", 0, false},
		{"1e999999999", "CNY", 0, false},
		{"", "CNY", 0, false},
		{nil, "CNY", 0, false},
		{true, "CNY", 0, false},
	} {
		if got, ok := minor(tc.v, tc.currency); got != tc.want || ok != tc.ok {
			t.Errorf("%v %s: %d %t, want %d %t", tc.v, tc.currency, got, ok, tc.want, tc.ok)
		}
	}
}

func TestValuesAreComparedAsSalesforceKeepsThem(t *testing.T) {
	for _, tc := range []struct {
		ours, theirs any
		want         bool
	}{
		{" a\r\nb", "a\nb", true},
		{"", nil, true},
		{"a", nil, false},
		{"a", "A", false},
		{nil, nil, true},
		{nil, false, true}, // an emptied checkbox
		{nil, "a", false},
		{true, true, true},
		{false, nil, false},
		{json.Number("1.50"), json.Number("1.5"), true},
		{json.Number("1"), nil, false},
		{"1.50", json.Number("1.5"), true},
		{"2026-07-01T16:00:00+08:00", "2026-07-01T08:00:00.000+0000", true},
		{"2026-07-01T16:00:00+08:00", "2026-07-01T08:00:01.000+0000", false},
		{record{"MemberNo__c": "M-1"}, map[string]any{"attributes": nil, "MemberNo__c": "m-1"}, true},
		{record{"MemberNo__c": "M-1"}, nil, false},
		{"a", true, false},
	} {
		if got := equal(tc.ours, tc.theirs); got != tc.want {
			t.Errorf("%v and %v: %t", tc.ours, tc.theirs, got)
		}
	}
}
