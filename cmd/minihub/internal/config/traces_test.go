package config

import (
	"strings"
	"testing"
)

func TestTracesAreRead(t *testing.T) {
	h, ps := readHub(`traces:
  endpoint: https://collector.example.com:4318
  headers: { authorization: '${env:KEY}' }
  sample: 0.1
  link: https://jaeger.example.com/trace/{trace_id}?all=1
`)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	c := h.Traces
	if c.Endpoint != "https://collector.example.com:4318/v1/traces" || c.Headers["authorization"].Reveal() != "k" || c.Sample != 0.1 {
		t.Errorf("read %+v", c)
	}
	if got := c.LinkTo("abc"); got != "https://jaeger.example.com/trace/abc?all=1" || c.LinkTo("") != "" {
		t.Errorf("the link is %q, and without a trace %q", got, c.LinkTo(""))
	}
	if off, ps := readHub(""); len(ps) > 0 || off.Traces.Endpoint != "" || off.Traces.LinkTo("abc") != "" {
		t.Errorf("nothing was asked for, and %+v is traced: %v", off.Traces, ps)
	}
}

func TestTracesThatCannotBe(t *testing.T) {
	for src, want := range map[string]string{
		"traces: {endpoint: 'collector:4318'}":                                       "is no address of a collector",
		"traces: {endpoint: 'https://user:pass@c.example.com/v1/traces'}":            "is no address of a collector",
		"traces: {endpoint: 'https://c.example.com/v1/traces?key=abc'}":              "is no address of a collector",
		"traces: {endpoint: https://c.example.com, headers: {authorization: plain}}": "a secret stands here as it is",
		"traces: {endpoint: https://c.example.com, headers: {'a b': '${env:KEY}'}}":  "is not a name of a header",
		"traces: {endpoint: https://c.example.com, sample: 0}":                       "is not a share",
		"traces: {endpoint: https://c.example.com, sample: 10%}":                     "is not a share",
		"traces: {endpoint: https://c.example.com, sample: NaN}":                     "is not a share",
		"traces: {endpoint: https://c.example.com, link: https://j.example.com}":     "is no address of a trace's page",
		"traces: {endpoint: https://c.example.com, link: 'javascript:{trace_id}'}":   "is no address of a trace's page",
		"traces: {sample: 0.5}":                                "traces.endpoint is not given",
		"traces: {endpoint: https://c.example.com, sampel: 1}": "sampel",
	} {
		_, ps := readHub(src)
		if len(ps) != 1 || !strings.Contains(ps[0].Text, want) || ps[0].Line != 2 {
			t.Errorf("%s: %v, want one problem with %q in line 2", src, ps, want)
		}
	}
}
