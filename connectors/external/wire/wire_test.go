package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/minihub/minihub/connectors"
)

// full fills every field that travels, so that none is forgotten on the way.
func full(v reflect.Value, n *int) {
	*n++
	switch t := v.Type(); {
	case t == durationType:
		v.SetInt(int64(time.Duration(*n) * time.Second))
		return
	case t == timeType:
		v.Set(reflect.ValueOf(time.Unix(int64(*n), 5).UTC()))
		return
	case t == rawType:
		v.SetBytes([]byte(`{"id":9007199254740993,"price":118.00,"text":"<&>"}`))
		return
	case words[t] != nil:
		v.SetInt(int64(*n % len(words[t])))
		return
	case texts[t] != nil:
		v.SetString(texts[t][*n%len(texts[t])])
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		full(v.Elem(), n)
	case reflect.Struct:
		for _, m := range membersOf(v.Type()) {
			full(v.FieldByIndex(m.index), n)
		}
	case reflect.Slice:
		if v.Type() == bytesType {
			v.SetBytes([]byte{0xd6, 0xd0, byte(*n)})
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		full(v.Index(0), n)
		full(v.Index(1), n)
	case reflect.Map:
		elem := reflect.New(v.Type().Elem()).Elem()
		full(elem, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("a/~b"), elem)
	case reflect.String:
		v.SetString(strings.Repeat("x\n\"<", *n%3) + "y")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1<<62 + int64(*n))
	}
}

// Whatever the contract and the messages hold arrives as it was.
func TestEveryFieldTravels(t *testing.T) {
	for _, v := range []any{
		&connectors.Connector{}, &connectors.Page{}, &connectors.Listed{}, &connectors.Summary{}, &connectors.Error{},
		&Initialize{}, &Initialized{}, &Open{}, &Opened{}, &Pull{}, &Fetch{}, &Fetched{}, &Ack{}, &DecodeBody{}, &Decoded{}, &Receive{}, &Received{},
		&Refusal{}, &Batch{}, &Results{}, &Findings{}, &Poll{}, &List{}, &Get{}, &Summaries{}, &Summarize{}, &Cancel{}, &VaultGet{}, &VaultValue{},
		&VaultSwap{}, &Save{}, &Log{},
	} {
		n := 0
		full(reflect.ValueOf(v).Elem(), &n)
		b, err := Encode(v)
		if err != nil {
			t.Fatalf("%T: %v", v, err)
		}
		back := reflect.New(reflect.TypeOf(v).Elem())
		if err := Decode(b, back.Interface()); err != nil {
			t.Errorf("%T: %v\n%s", v, err, b)
		}
		if diff := cmp.Diff(v, back.Interface(), cmpopts.EquateComparable()); diff != "" {
			t.Errorf("%T: %s", v, diff)
		}
	}
}

// The contract's functions and open values stay at home, and nothing else does.
func TestWhatDoesNotTravel(t *testing.T) {
	home := map[string]bool{"Connector.Open": true, "Delivery.Save": true, "Error.Err": true, "Received.Reply": true}
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || typ == timeType || seen[typ] {
			return
		}
		seen[typ] = true
		travels := map[int]bool{}
		for _, m := range membersOf(typ) {
			travels[m.index[0]] = true
		}
		for i := range typ.NumField() {
			f := typ.Field(i)
			if name := typ.Name() + "." + f.Name; travels[i] == home[name] {
				t.Errorf("%s travels: %t", name, travels[i])
			}
			if travels[i] {
				walk(f.Type)
			}
		}
	}
	for _, v := range []any{connectors.Connector{}, connectors.Page{}, Batch{}, Results{}, Findings{}, Poll{}, Received{}, Refusal{}, Summaries{}} {
		walk(reflect.TypeOf(v))
	}
	if len(seen) < 20 {
		t.Errorf("only %d types were looked at", len(seen))
	}
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{"RemoteIDs": "remote_ids", "ID": "id", "BudgetKey": "budget_key", "URL": "url", "GenSep": "gen_sep", "At": "at"} {
		if got := snake(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestAbsenceWithAMeaning(t *testing.T) {
	var e connectors.Error
	if err := Decode([]byte(`{"kind":"unavailable"}`), &e); err != nil || !e.Sent {
		t.Errorf("%+v %v: an error that does not say sent was sent", e, err)
	}
	var s connectors.Summary
	if err := Decode([]byte(`{"key":"a"}`), &s); err != nil || s.Lines != -1 {
		t.Errorf("%+v %v: lines that are not given are not compared", s, err)
	}
	var p connectors.Page
	if err := Decode([]byte(`{"items":[{"key":"hint"},{"key":"empty","body":""}]}`), &p); err != nil || p.Items[0].Body != nil || p.Items[1].Body == nil {
		t.Errorf("%+v %v: an empty body is a document, no body a hint", p, err)
	}
	b, err := Encode(connectors.Error{Kind: connectors.Invalid, Text: "no", Err: errors.New("inside")})
	if err != nil || string(b) != `{"kind":"invalid","text":"no: inside","sent":false}` {
		t.Errorf("%s %v", b, err)
	}
}

func TestFaultsComeAllAtOnce(t *testing.T) {
	var r Results
	err := Decode([]byte(`{"results":[{"id":7,"outcom":"done","outcome":"don","err":{"kind":"odd","wait":"soon","raw":"a","raw_base64":"YQ=="},
		"exchanges":{},"remote_ids":[{"kind":"a","value":"b","x/y":1}]}],"more":1}`), &r)
	var faults Faults
	if !errors.As(err, &faults) {
		t.Fatal(err)
	}
	var got []string
	for _, f := range faults {
		got = append(got, f.String())
	}
	want := []string{
		"/results/0/id: text is wanted here, not a number",
		`/results/0/outcome: "don" is not known here (did you mean "done"?)`,
		"/results/0/remote_ids/0/x~1y: unknown member (known: kind, value)",
		`/results/0/err/kind: "odd" is not known here (known: conflict, forbidden, invalid, not_found, quota, rate_limited, unauthorized, unavailable, unclassified, unreadable)`,
		`/results/0/err/wait: "soon" is not a span of time (write it like 300ms, 30s, 5m or 1h30m)`,
		"/results/0/err/raw: this is given as text and as base64 (give one of them)",
		"/results/0/exchanges: a list is wanted here, not an object",
		`/results/0/outcom: unknown member (did you mean "outcome"?)`,
		"/more: unknown member (known: results)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRawJSONIsChecked(t *testing.T) {
	if _, err := Encode(Save{Progress: json.RawMessage("{")}); err == nil || !strings.Contains(err.Error(), "/progress") {
		t.Errorf("%v", err)
	}
	var s Save
	if err := Decode([]byte(`{"progress":"{"}`), &s); err == nil || !strings.Contains(err.Error(), "/progress") {
		t.Errorf("%v", err)
	}
}

func TestFramesAreBounded(t *testing.T) {
	r := NewReader(strings.NewReader("\r\n{\"a\":1}\r\n"+strings.Repeat("x", 100)+"\n"), 64)
	if line, err := r.Next(); err != nil || string(line) != `{"a":1}` {
		t.Errorf("%q %v", line, err)
	}
	if _, err := r.Next(); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v", err)
	}
	if _, err := Frame(strings.Repeat("x", 100), 64); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v", err)
	}
	if _, err := NewReader(strings.NewReader("{"), 64).Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v", err)
	}
	if _, err := NewReader(bytes.NewReader(nil), 64).Next(); !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
}

// What is read is written back to what reads the same.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"results":[{"id":"D","outcome":"done","wait":"1s","err":{"raw_base64":"/w=="}}]}`))
	f.Add([]byte(`{"results":[{"missing":{"key":"\u0000"}},{"exchanges":[{"took":"9ns"}]}]}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		var a, b Results
		if Decode(src, &a) != nil {
			return
		}
		once, err := Encode(a)
		if err != nil {
			t.Fatal(err)
		}
		if err := Decode(once, &b); err != nil {
			t.Fatalf("%v: %s", err, once)
		}
		if again, err := Encode(b); err != nil || !bytes.Equal(once, again) {
			t.Errorf("%s\n%s %v", once, again, err)
		}
	})
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("{}\n\n[1]\r\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		r := NewReader(bytes.NewReader(src), 32)
		for {
			line, err := r.Next()
			if err != nil {
				return
			}
			if len(line) == 0 || len(line) > 32 || bytes.ContainsRune(line, '\n') {
				t.Errorf("%q", line)
			}
		}
	})
}
