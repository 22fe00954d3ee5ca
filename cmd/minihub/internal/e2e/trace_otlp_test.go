package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	v1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// otlp is a collector that takes what the protocol allows and nothing else.
type otlp struct {
	*httptest.Server
	key string

	mu     sync.Mutex
	raw    bytes.Buffer // every request as it was read
	spans  map[string]*v1.Span
	broken []string
}

func newOTLP(t *testing.T, key string) *otlp {
	t.Helper()
	o := &otlp{key: key, spans: map[string]*v1.Span{}}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := o.take(r); err != nil {
			o.mu.Lock()
			o.broken = append(o.broken, err.Error())
			o.mu.Unlock()
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
		b, _ := proto.Marshal(&collector.ExportTraceServiceResponse{})
		_, _ = w.Write(b)
	}))
	t.Cleanup(o.Close)
	return o
}

func (o *otlp) take(r *http.Request) error {
	if r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.URL.RawQuery != "" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		return fmt.Errorf("%s %s of %q", r.Method, r.URL, r.Header.Get("Content-Type"))
	}
	if r.Header.Get("Authorization") != o.key {
		return fmt.Errorf("the authorization is %q", r.Header.Get("Authorization"))
	}
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return err
		}
		body = z
	}
	raw, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	var req collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(raw, &req); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.raw.Write(raw)
	for _, rs := range req.ResourceSpans {
		named := false
		for _, a := range rs.Resource.GetAttributes() {
			named = named || a.Key == "service.name" && a.Value.GetStringValue() == "minihub"
		}
		if !named {
			return fmt.Errorf("the resource does not name its service: %v", rs.Resource)
		}
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				if err := o.keep(s); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (o *otlp) keep(s *v1.Span) error {
	id := hex.EncodeToString(s.SpanId)
	switch {
	case len(s.TraceId) != 16 || len(s.SpanId) != 8 || bytes.Equal(s.TraceId, make([]byte, 16)) || bytes.Equal(s.SpanId, make([]byte, 8)):
		return fmt.Errorf("span %q has no ids", s.Name)
	case len(s.ParentSpanId) != 0 && len(s.ParentSpanId) != 8 || bytes.Equal(s.ParentSpanId, s.SpanId):
		return fmt.Errorf("span %q has a parent that is none", s.Name)
	case o.spans[id] != nil:
		return fmt.Errorf("span %q came twice", s.Name)
	case s.Name == "" || s.StartTimeUnixNano == 0 || s.EndTimeUnixNano < s.StartTimeUnixNano:
		return fmt.Errorf("span %q lasts from %d to %d", s.Name, s.StartTimeUnixNano, s.EndTimeUnixNano)
	case len(s.ProtoReflect().GetUnknown()) > 0:
		return fmt.Errorf("span %q has fields of no meaning", s.Name)
	}
	o.spans[id] = s
	return nil
}

// trace returns the spans of a trace.
func (o *otlp) trace(id string) traced {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out traced
	for _, s := range o.spans {
		if hex.EncodeToString(s.TraceId) == id {
			out = append(out, s)
		}
	}
	return out
}

// all are the spans of every trace.
func (o *otlp) all() (out traced) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.spans {
		out = append(out, s)
	}
	return out
}

// faults are what came and should not have.
func (o *otlp) faults() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string{}, o.broken...)
}

// holds reports whether any request held a value.
func (o *otlp) holds(value string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Contains(o.raw.Bytes(), []byte(value))
}

// traced are the spans of one trace.
type traced []*v1.Span

func (l traced) String() string {
	var b strings.Builder
	for _, s := range l {
		fmt.Fprintf(&b, "%x below %x %-28s %v\n", s.SpanId[:4], s.ParentSpanId, s.Name, said(s))
	}
	return b.String()
}

// named are the spans of a name whose attributes have these values, below a parent; a nil
// parent is any.
func (l traced) named(name string, below *v1.Span, about ...string) (out traced) {
	for _, s := range l {
		has := said(s)
		ok := s.Name == name && (below == nil || bytes.Equal(s.ParentSpanId, below.SpanId))
		for i := 0; ok && i < len(about); i += 2 {
			ok = has[about[i]] == about[i+1]
		}
		if ok {
			out = append(out, s)
		}
	}
	return out
}

// one is the only span of that kind.
func (l traced) one(t *testing.T, name string, below *v1.Span, about ...string) *v1.Span {
	t.Helper()
	got := l.named(name, below, about...)
	if len(got) != 1 {
		t.Fatalf("%d spans %q %q, want one, in\n%s", len(got), name, about, l)
	}
	return got[0]
}

func said(s *v1.Span) map[string]string {
	out := map[string]string{}
	for _, a := range s.Attributes {
		switch {
		case a.Value.GetStringValue() != "":
			out[a.Key] = a.Value.GetStringValue()
		default:
			out[a.Key] = fmt.Sprint(a.Value.GetIntValue())
		}
	}
	return out
}

func linked(s *v1.Span, to *v1.Span) bool {
	for _, l := range s.Links {
		if bytes.Equal(l.TraceId, to.TraceId) && bytes.Equal(l.SpanId, to.SpanId) {
			return true
		}
	}
	return false
}
