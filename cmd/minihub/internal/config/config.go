// Package config reads a deployment: hub.yaml, connections/, flows/, mappings/,
// schemas/, lookups/ and jobs.yaml, over what the binary ships. Every mistake is
// reported at once, with its place, the rule and how to mend it.
package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/cmd/minihub/internal/alarm"
	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines/flow"
	"github.com/minihub/minihub/pipelines/yamlfile"
	"github.com/minihub/minihub/schemas"
)

// Codes of problems in the deployment's own files.
const (
	CodeValue      = "config.value"
	CodeSecret     = "config.secret"
	CodeConnector  = "config.connector"
	CodeDuplicate  = "config.duplicate"
	CodeJob        = "config.job"
	CodeMissing    = "config.missing"
	CodeConnection = "config.connection"
)

// Deployment is everything a directory says, checked and compiled.
type Deployment struct {
	Dir string
	Hub Hub
	// Registry is the program's connectors and those that the directory describes.
	Registry    *connectors.Registry
	Connections []Connection
	Flows       []*flow.Flow
	Jobs        []Job
	Schemas     *schemas.Set
	Mappings    *mappings.Set
	Lookups     *mappings.Lookups
	// Warnings do not stop a check: a secret that is not set on this machine.
	Warnings []*mapper.Problem
}

// Hub is hub.yaml.
type Hub struct {
	Store     string
	Listen    string // admin: API, health, metrics
	Intake    string // webhooks
	MaxBody   int64
	Zone      *time.Location
	LogLevel  string
	Retry     Retry
	Retention time.Duration
	Backlog   int
	SearchKey connectors.Secret
	VaultKey  connectors.Secret
	Token     connectors.Secret // of the admin API
	People    People
	Alarms    alarm.Config
	Traces    Traces
}

// Retry is the hub's retry policy.
type Retry struct{ Base, Max, Age, Probe time.Duration }

// Connection is one file of connections/.
type Connection struct {
	Name       string
	File       string
	Connector  *connectors.Connector
	Account    string
	Labels     map[string]string
	Store      map[string]any
	Mode       flow.Mode
	Start      time.Time
	StartNow   bool
	startAt    yamlfile.Text // where a missing start is reported, once
	startAsked bool
	Limits     float64
	Slots      int
	Recheck    bool
	Values     connectors.Values
	Config     connectors.Config
}

// Job is one entry of jobs.yaml.
type Job struct {
	Name      string
	Text      string
	Every     string
	Zone      *time.Location
	Pulls     []flow.Source
	Sweep     bool
	Retention bool
	Reconcile *Reconcile
}

// Reconcile is what a reconciling job compares.
type Reconcile struct {
	Flows  []string
	Window time.Duration
	Grace  time.Duration
	Heal   bool
}

// Options says how a deployment is read.
type Options struct {
	Registry *connectors.Registry
	// Files are the directory's files where they are not read from the directory itself: a
	// revision that was kept. What secrets refer to is read from the directory all the same.
	Files fs.FS
	// Flows are the shipped flows, used when the directory names them in hub.yaml.
	Env func(name string) (string, bool) // nil: the process environment
	// Secrets: a reference that cannot be resolved is a problem, not a warning.
	Secrets bool
	// Tables are the lookup tables programs read at run time; nil reads the files alone.
	Tables func(*mappings.Lookups) mapper.Tables
}

// Load reads and checks a directory; the error is mapper.Problems when the input is at
// fault.
func Load(dir string, opt Options) (*Deployment, error) {
	if opt.Env == nil {
		opt.Env = os.LookupEnv
	}
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, mapper.Problems{{Code: CodeMissing, File: dir, Text: "there is no such directory", Hint: "make one with `minihub init " + dir + "`"}}
	case err != nil:
		return nil, fmt.Errorf("the deployment's directory cannot be read: %w", err)
	case !info.IsDir():
		return nil, mapper.Problems{{Code: CodeMissing, File: dir, Text: "this is a file", Hint: "name the directory that holds hub.yaml"}}
	}
	if _, err := os.ReadDir(dir); err != nil {
		return nil, fmt.Errorf("the deployment's directory cannot be read: %w", err)
	}
	l := &loader{fsys: opt.Files, dir: dir, opt: opt, out: &Deployment{Dir: dir}}
	if l.fsys == nil {
		l.fsys = os.DirFS(dir)
	}
	l.endings()
	l.hub()
	l.described()
	l.connections()
	l.schemas()
	l.mappings()
	l.flows()
	l.jobs()
	if len(l.problems) > 0 {
		sortProblems(l.problems)
		return nil, l.problems
	}
	return l.out, nil
}

// cause is the reason inside a file's error, without its path, which the problem names.
func cause(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

type loader struct {
	fsys     fs.FS
	dir      string
	opt      Options
	out      *Deployment
	problems mapper.Problems
	broken   []string // names of connections whose files cannot be read
	// undescribed are names of connectors whose files cannot be read.
	undescribed []string
}

func (l *loader) add(p ...*mapper.Problem) { l.problems = append(l.problems, p...) }

func (l *loader) read(name string) ([]byte, bool) {
	b, err := fs.ReadFile(l.fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.add(&mapper.Problem{Code: CodeMissing, File: name, Text: "the file is missing", Hint: "`minihub init` writes a commented one"})
	case err != nil:
		l.add(&mapper.Problem{Code: CodeMissing, File: name, Text: "the file cannot be read: " + cause(err), Hint: "it must be a file that this user may read"})
	}
	return b, err == nil
}

// endings refuses files that would be passed over in silence (Invariant 5).
func (l *loader) endings() {
	for _, dir := range []string{".", "connections", describedDir, "flows"} {
		entries, _ := fs.ReadDir(l.fsys, dir) // an unreadable folder is reported where its files are read
		for _, e := range entries {
			name := path.Join(dir, e.Name())
			switch stem, ext := strings.TrimSuffix(name, path.Ext(name)), path.Ext(name); {
			case !e.IsDir() && ext == ".yml":
				l.add(&mapper.Problem{Code: yamlfile.CodeYAML, File: name, Text: "the file would not be read", Hint: "name it " + stem + ".yaml"})
			case e.IsDir() && dir != "." && !strings.HasPrefix(e.Name(), "."):
				l.add(&mapper.Problem{Code: yamlfile.CodeYAML, File: name, Text: "what is in this folder would not be read", Hint: "move its files up into " + dir + "/"})
			}
		}
	}
}

type text = yamlfile.Text

type hubFile struct {
	People peopleFile `yaml:"people"`
	Store  text       `yaml:"store"`
	Listen text       `yaml:"listen"`
	Token  text       `yaml:"token"`
	Intake struct {
		Listen  text `yaml:"listen"`
		MaxBody text `yaml:"max_body"`
	} `yaml:"intake"`
	Zone  text `yaml:"time_zone"`
	Log   text `yaml:"log"`
	Retry struct {
		Base  text `yaml:"base"`
		Max   text `yaml:"max"`
		Age   text `yaml:"age"`
		Probe text `yaml:"probe"`
	} `yaml:"retry"`
	Backlog   text `yaml:"backlog"`
	Retention text `yaml:"retention"`
	Secrets   struct {
		Search text `yaml:"search_key"`
		Vault  text `yaml:"vault_key"`
	} `yaml:"secrets"`
	Alarms alarmsFile `yaml:"alarms"`
	Traces tracesFile `yaml:"traces"`
}

const hubName = "hub.yaml"

var logLevels = []string{"debug", "info", "warn", "error"}

func (l *loader) hub() {
	src, ok := l.read(hubName)
	if !ok {
		return
	}
	var f hubFile
	if ps := yamlfile.Decode(hubName, src, &f); len(ps) > 0 {
		l.add(ps...)
		return
	}
	h := &l.out.Hub
	h.Store = orElse(f.Store.Value, "sqlite:data/hub.db")
	if scheme, _, ok := strings.Cut(h.Store, ":"); !isReference(h.Store) && (!ok || scheme != "sqlite" && scheme != "postgres" && scheme != "postgresql") {
		l.add(f.Store.Problem(CodeValue, hubName, fmt.Sprintf("%q is not a store", h.Store), "write sqlite:FILE or postgres://HOST/DATABASE"))
	}
	if strings.Contains(h.Store, "${") {
		h.Store = l.secret(f.Store, hubName).Reveal()
	} else if strings.HasPrefix(h.Store, "postgres") && strings.Contains(h.Store, "@") && strings.Contains(beforeAt(h.Store), ":") {
		l.add(f.Store.Problem(CodeSecret, hubName, "the store's URL carries a password", "write the whole URL as ${env:NAME} or ${file:PATH}"))
	}
	if rel, ok := strings.CutPrefix(h.Store, "sqlite:"); ok && !path.IsAbs(rel) {
		h.Store = "sqlite:" + path.Join(l.dir, rel)
	}
	h.Listen = l.address(f.Listen, "127.0.0.1:8377")
	h.Intake = l.address(f.Intake.Listen, "127.0.0.1:8378")
	h.MaxBody = int64(l.bytes(f.Intake.MaxBody, 2<<20))
	h.Zone = l.zone(f.Zone, hubName, "Asia/Shanghai")
	h.LogLevel = orElse(f.Log.Value, "info")
	if !slices.Contains(logLevels, h.LogLevel) {
		l.add(f.Log.Problem(CodeValue, hubName, fmt.Sprintf("%q is not a level", h.LogLevel), "use "+strings.Join(logLevels, ", ")))
	}
	h.Retry = Retry{Base: l.duration(f.Retry.Base, hubName, 0), Max: l.duration(f.Retry.Max, hubName, 0), Age: l.duration(f.Retry.Age, hubName, 0),
		Probe: l.duration(f.Retry.Probe, hubName, 0)}
	h.Retention = l.duration(f.Retention, hubName, 180*24*time.Hour)
	h.People = l.people(&f.People)
	h.Backlog = l.integer(f.Backlog, hubName, 20_000)
	if f.Secrets.Search.Value == "" {
		l.add(yamlfile.Text{}.Problem(CodeMissing, hubName, "secrets.search_key is not given: phone numbers and other keys are stored as keyed hashes only",
			"add `secrets: {search_key: '${env:MINIHUB_SEARCH_KEY}'}` and never change its value"))
	}
	h.SearchKey, h.VaultKey, h.Token = l.secret(f.Secrets.Search, hubName), l.secret(f.Secrets.Vault, hubName), l.secret(f.Token, hubName)
	h.Alarms = l.alarms(&f.Alarms)
	h.Traces = l.traces(&f.Traces)
}

type connectionFile struct {
	Name      text              `yaml:"connection"`
	Connector text              `yaml:"connector"`
	Text      string            `yaml:"text"`
	Account   text              `yaml:"account"`
	Labels    map[string]string `yaml:"labels"`
	Store     map[string]any    `yaml:"store"`
	Mode      text              `yaml:"mode"`
	Start     text              `yaml:"start"`
	Limits    text              `yaml:"limits_x"`
	Slots     text              `yaml:"slots"`
	Recheck   text              `yaml:"recheck"`
	Config    map[string]value  `yaml:"config"`
}

func (l *loader) connections() {
	names, _ := fs.Glob(l.fsys, "connections/*.yaml")
	sort.Strings(names)
	if len(names) == 0 {
		l.add(&mapper.Problem{Code: CodeMissing, File: "connections/", Text: "there are no connections", Hint: "add connections/NAME.yaml; `minihub connectors list` shows what can be connected"})
	}
	seen := map[string]string{}
	for _, name := range names {
		src, ok := l.read(name)
		if !ok {
			continue
		}
		var f connectionFile
		if ps := yamlfile.Decode(name, src, &f); len(ps) > 0 {
			l.add(ps...)
			l.broken = append(l.broken, strings.TrimSuffix(path.Base(name), ".yaml"), f.Name.Value)
			continue
		}
		c, ok := l.connection(name, &f)
		if !ok {
			l.broken = append(l.broken, f.Name.Value)
			continue
		}
		if other := seen[c.Name]; other != "" {
			l.add(f.Name.Problem(CodeDuplicate, name, fmt.Sprintf("connection %q is also in %s", c.Name, other), "give it another name"))
		}
		seen[c.Name] = name
		l.out.Connections = append(l.out.Connections, *c)
	}
}

func (l *loader) connection(file string, f *connectionFile) (*Connection, bool) {
	c := &Connection{Name: f.Name.Value, File: file, Account: f.Account.Value, Labels: f.Labels, Store: f.Store}
	if c.Name == "" || strings.ContainsAny(c.Name, "./ {}") {
		l.add(f.Name.Problem(CodeValue, file, fmt.Sprintf("%q is not a name of a connection", c.Name), "use letters, digits and dashes: it is written connection.stream in flows"))
	}
	conn, ok := l.out.Registry.Get(f.Connector.Value)
	if !ok && l.unread(f.Connector.Value) {
		return nil, false
	}
	if !ok {
		var known []string
		for _, k := range l.out.Registry.List() {
			known = append(known, k.Name)
		}
		hint := "known: " + strings.Join(known, ", ")
		if n := mapper.Nearest(f.Connector.Value, known); n != "" {
			hint = fmt.Sprintf("did you mean %q?", n)
		}
		l.add(f.Connector.Problem(CodeConnector, file, fmt.Sprintf("there is no connector %q", f.Connector.Value), hint))
		return nil, false
	}
	c.Connector = conn
	switch m := flow.Mode(f.Mode.Value); m {
	case "":
		c.Mode = flow.On
	case flow.On, flow.Off, flow.Shadow:
		c.Mode = m
	default:
		l.add(f.Mode.Problem(CodeValue, file, fmt.Sprintf("mode %q is unknown", m), "use on, shadow or off"))
	}
	l.start(file, f, c)
	c.Limits = 1
	if f.Limits.Value != "" {
		x, err := strconv.ParseFloat(f.Limits.Value, 64)
		if err != nil || x <= 0 {
			l.add(f.Limits.Problem(CodeValue, file, fmt.Sprintf("limits_x %q is not a positive number", f.Limits.Value), "1 is the vendor's published allowance"))
		}
		c.Limits = x
	}
	c.Slots = l.integer(f.Slots, file, 0)
	if f.Recheck.Value != "" {
		b, err := strconv.ParseBool(f.Recheck.Value)
		if err != nil {
			l.add(f.Recheck.Problem(CodeValue, file, fmt.Sprintf("recheck %q is neither true nor false", f.Recheck.Value), "write true or false"))
		}
		c.Recheck = b
	}
	normalize(c.Store)
	l.values(file, f, c)
	return c, true
}

// start reads where the history of a connection's streams begins; jobs that pull ask for it.
func (l *loader) start(file string, f *connectionFile, c *Connection) {
	c.startAt = f.Connector
	switch {
	case f.Start.Value == "":
	case f.Start.Value == "now":
		c.StartNow = true
	case f.Start.Value != "":
		t, err := time.Parse(time.RFC3339, f.Start.Value)
		if err != nil {
			l.add(f.Start.Problem(CodeValue, file, fmt.Sprintf("start %q is not a time", f.Start.Value), "write `now`, or a time with its zone such as 2026-11-01T00:00:00+08:00"))
		}
		c.Start = t
	}
}

func (l *loader) values(file string, f *connectionFile, c *Connection) {
	c.Values = connectors.Values{Text: map[string]string{}, Secrets: map[string]connectors.Secret{}, Maps: map[string]map[string]string{}}
	places := map[string]text{}
	unresolved := map[string]bool{}
	secret := map[string]bool{}
	var known []string
	for _, field := range c.Connector.Config {
		secret[field.Name] = field.Kind == connectors.FieldSecret
		known = append(known, field.Name)
	}
	for name, v := range f.Config {
		places[name] = v.Text
		switch {
		case v.entries != nil:
			c.Values.Maps[name] = v.entries
		case isReference(v.Value):
			s, ok := l.resolve(v.Text, file)
			if secret[name] {
				c.Values.Secrets[name] = s
			} else {
				c.Values.Text[name] = s.Reveal()
			}
			if !ok {
				unresolved[name] = true
			}
		default:
			c.Values.Text[name] = v.Value
		}
	}
	var errs []error
	c.Config, errs = connectors.NewConfig(c.Connector.Config, c.Values)
	if len(errs) == 0 && len(unresolved) == 0 {
		errs = l.tryOpen(c)
	}
	for _, err := range errs {
		var fe *connectors.FieldError
		if !errors.As(err, &fe) {
			l.add(f.Connector.Problem(CodeConnection, file, err.Error(), describeHint(c)))
			continue
		}
		at, ok := places[fe.Field]
		switch {
		case unresolved[fe.Field]: // reported as a secret that is not set
		case !ok:
			l.add(f.Connector.Problem(CodeConnection, file, "config."+fe.Error(), describeHint(c)))
		case !slices.Contains(known, fe.Field):
			hint := describeHint(c)
			if n := mapper.Nearest(fe.Field, known); n != "" {
				hint = fmt.Sprintf("did you mean %q?", n)
			}
			l.add(at.Problem(CodeConnection, file, fmt.Sprintf("the connector %s has no field %q", c.Connector.Name, fe.Field), hint))
		case secret[fe.Field] && c.Values.Text[fe.Field] != "":
			l.add(at.Problem(CodeSecret, file, "config."+fe.Field+": a secret stands here as it is", literalHint))
		default:
			l.add(at.Problem(CodeConnection, file, "config."+fe.Error(), describeHint(c)))
		}
	}
}

func describeHint(c *Connection) string {
	return fmt.Sprintf("`minihub connectors describe %s` lists the fields", c.Connector.Name)
}

// tryOpen lets the connector look at its fields together, as it will when the hub starts;
// opening makes no call.
func (l *loader) tryOpen(c *Connection) []error {
	conn, err := c.Connector.OpenConnection(context.Background(), c.Config, connectors.Env{Log: zap.NewNop(), Now: time.Now, Vault: noVault{}, Name: c.Name})
	if err != nil {
		return []error{err}
	}
	if err := conn.Close(); err != nil {
		return []error{err}
	}
	return nil
}

// noVault is the vault of a connection that is only looked at.
type noVault struct{}

func (noVault) Get(context.Context, string) (connectors.Secret, int64, error) {
	return connectors.Secret{}, 0, nil
}

func (noVault) Swap(context.Context, string, int64, connectors.Secret) error {
	return errors.New("nothing is kept while a deployment is only checked")
}
