package config

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/minihub/minihub/connectors"
)

// CodeTraces is the code of problems under `traces` of hub.yaml.
const CodeTraces = "config.traces"

// TraceIDMark stands for a trace's id in Traces.Link.
const TraceIDMark = "{trace_id}"

// Traces says where OpenTelemetry traces go. Without an endpoint nothing is traced.
type Traces struct {
	Endpoint string // the whole URL
	Headers  map[string]connectors.Secret
	Sample   float64 // share of the messages that are traced, each whole or not at all
	Link     string  // page of one trace, with TraceIDMark in it
}

// LinkTo is the page of a trace; empty without Link or without a trace.
func (t Traces) LinkTo(id string) string {
	if t.Link == "" || id == "" {
		return ""
	}
	return strings.ReplaceAll(t.Link, TraceIDMark, id)
}

type tracesFile struct {
	Endpoint text            `yaml:"endpoint"`
	Headers  map[string]text `yaml:"headers"`
	Sample   text            `yaml:"sample"`
	Link     text            `yaml:"link"`
}

var headerName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

func (l *loader) traces(f *tracesFile) Traces {
	t := Traces{Sample: 1, Link: f.Link.Value, Headers: map[string]connectors.Secret{}}
	if f.Endpoint.Value == "" {
		for _, other := range []text{f.Sample, f.Link} {
			if other.Value != "" {
				l.add(other.Problem(CodeMissing, hubName, "traces.endpoint is not given: nothing would be traced", "add `endpoint: https://HOST:4318/v1/traces`"))
			}
		}
	} else if u, err := url.Parse(f.Endpoint.Value); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		l.add(f.Endpoint.Problem(CodeTraces, hubName, fmt.Sprintf("traces.endpoint %q is no address of a collector", f.Endpoint.Value),
			"write its OTLP/HTTP address, such as https://collector.example.com:4318/v1/traces; keys go into headers"))
	} else {
		if u.Path == "" || u.Path == "/" {
			u.Path = "/v1/traces"
		}
		t.Endpoint = u.String()
	}
	for name, v := range f.Headers {
		if !headerName.MatchString(name) {
			l.add(v.Problem(CodeTraces, hubName, fmt.Sprintf("%q is not a name of a header", name), "write for instance authorization: ${env:NAME}"))
			continue
		}
		t.Headers[name] = l.secret(v, hubName)
	}
	if s := f.Sample.Value; s != "" {
		x, err := strconv.ParseFloat(s, 64)
		if err != nil || !(x > 0 && x <= 1) {
			l.add(f.Sample.Problem(CodeTraces, hubName, fmt.Sprintf("traces.sample %q is not a share", s), "write a number above 0, up to 1: 0.1 is every tenth message; leave traces out to trace nothing"))
		}
		t.Sample = x
	}
	if t.Link != "" && (!strings.HasPrefix(t.Link, "https://") && !strings.HasPrefix(t.Link, "http://") || !strings.Contains(t.Link, TraceIDMark)) {
		l.add(f.Link.Problem(CodeTraces, hubName, fmt.Sprintf("traces.link %q is no address of a trace's page", t.Link), "write for instance https://jaeger.example.com/trace/"+TraceIDMark))
	}
	return t
}
