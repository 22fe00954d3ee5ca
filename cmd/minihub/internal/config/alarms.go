package config

import (
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/alarm"
	"github.com/minihub/minihub/connectors"
)

// CodeAlarm is the code of problems under `alarms` of hub.yaml.
const CodeAlarm = "config.alarm"

// alarmsFile is `alarms` of hub.yaml. Without it the hub watches by its defaults, and
// tells nobody but its log and `minihub alarms list`.
type alarmsFile struct {
	Language  text           `yaml:"language"`
	PublicURL text           `yaml:"public_url"`
	Remind    text           `yaml:"remind"`
	Rules     rulesFile      `yaml:"rules"`
	Receivers []receiverFile `yaml:"receivers"`
}

// rulesFile holds the thresholds; `off` turns a rule off.
type rulesFile struct {
	Oldest   text `yaml:"oldest"`
	Backlog  text `yaml:"backlog"`
	Failures struct {
		Least   text `yaml:"least"`
		Percent text `yaml:"percent"`
		Most    text `yaml:"most"`
		Within  text `yaml:"within"`
	} `yaml:"failures"`
	Silence text `yaml:"silence"`
	Jobs    text `yaml:"jobs"`
	Quota   text `yaml:"quota"`
	Token   text `yaml:"token"`
	Disk    text `yaml:"disk"`
	Gate    text `yaml:"gate"`
	Pause   text `yaml:"pause"`
}

type receiverFile struct {
	Name     text   `yaml:"receiver"`
	Kind     text   `yaml:"kind"`
	URL      text   `yaml:"url"`
	Secret   text   `yaml:"secret"`
	Server   text   `yaml:"server"`
	Security text   `yaml:"security"`
	User     text   `yaml:"user"`
	Password text   `yaml:"password"`
	From     text   `yaml:"from"`
	To       []text `yaml:"to"`
}

func (l *loader) alarms(f *alarmsFile) alarm.Config {
	c := alarm.Config{Zone: l.out.Hub.Zone, Language: orElse(f.Language.Value, "en"), Remind: 4 * time.Hour, Rules: alarm.Defaults()}
	if c.Language != "en" && c.Language != "zh" {
		l.add(f.Language.Problem(CodeAlarm, hubName, fmt.Sprintf("alarms.language %q is unknown", c.Language), "use en or zh"))
	}
	if s := f.PublicURL.Value; s != "" {
		if u, err := url.Parse(s); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			l.add(f.PublicURL.Problem(CodeAlarm, hubName, "alarms.public_url is no address of a page", "write where people reach the hub, such as https://hub.example.com"))
		}
		c.PublicURL = strings.TrimRight(s, "/") + "/"
	}
	l.orOff(f.Remind, func() { c.Remind = 0 }, func() { c.Remind = l.duration(f.Remind, hubName, c.Remind) })
	l.rules(&f.Rules, &c.Rules)
	seen := map[string]bool{}
	for i := range f.Receivers {
		if t, ok := l.receiver(&f.Receivers[i], seen); ok {
			c.Receivers = append(c.Receivers, t)
		}
	}
	return c
}

// orOff takes `off`, or a value; nothing keeps the default.
func (l *loader) orOff(t text, off, on func()) {
	switch t.Value {
	case "":
	case "off":
		off()
	default:
		on()
	}
}

func (l *loader) rules(f *rulesFile, r *alarm.Rules) {
	spans := []struct {
		t text
		v *time.Duration
	}{{f.Oldest, &r.Oldest}, {f.Token, &r.Token}, {f.Gate, &r.Gate}, {f.Pause, &r.Pause}}
	for _, s := range spans {
		l.orOff(s.t, func() { *s.v = 0 }, func() { *s.v = l.duration(s.t, hubName, *s.v) })
	}
	l.orOff(f.Backlog, func() { r.Backlog = 0 }, func() { r.Backlog = int64(l.integer(f.Backlog, hubName, 0)) })
	l.orOff(f.Failures.Least, func() { r.Failures.Least = 0 }, func() { r.Failures.Least = int64(l.integer(f.Failures.Least, hubName, 0)) })
	l.orOff(f.Failures.Most, func() { r.Failures.Most = 0 }, func() { r.Failures.Most = int64(l.integer(f.Failures.Most, hubName, 0)) })
	r.Failures.Percent = l.percent(f.Failures.Percent, r.Failures.Percent)
	if r.Failures.Within = l.duration(f.Failures.Within, hubName, r.Failures.Within); r.Failures.Within > 6*time.Hour {
		l.add(f.Failures.Within.Problem(CodeAlarm, hubName, "alarms.rules.failures.within is too long", "write 6h at most"))
	}
	l.orOff(f.Quota, func() { r.Quota = 0 }, func() { r.Quota = l.percent(f.Quota, 0) })
	l.orOff(f.Disk, func() { r.Disk = 0 }, func() { r.Disk = uint64(l.bytes(f.Disk, 0)) })
	r.Silence, r.Jobs = l.onOff(f.Silence), l.onOff(f.Jobs)
}

func (l *loader) percent(t text, fallback int) int {
	if t.Value == "" {
		return fallback
	}
	n, err := strconv.Atoi(strings.TrimSuffix(t.Value, "%"))
	if err != nil || n < 1 || n > 100 {
		l.add(t.Problem(CodeAlarm, hubName, fmt.Sprintf("%q is not a share", t.Value), "write a whole number from 1 to 100"))
	}
	return n
}

func (l *loader) onOff(t text) bool {
	switch t.Value {
	case "", "on":
		return true
	case "off":
		return false
	}
	l.add(t.Problem(CodeAlarm, hubName, fmt.Sprintf("%q is neither on nor off", t.Value), "write on or off"))
	return false
}

func (l *loader) receiver(f *receiverFile, seen map[string]bool) (alarm.Target, bool) {
	t := alarm.Target{Name: f.Name.Value, Kind: f.Kind.Value}
	at := f.Name
	if at.Line == 0 {
		at = f.Kind
	}
	switch {
	case t.Name == "":
		l.add(at.Problem(CodeAlarm, hubName, "a receiver of alarms has no name", "begin it with `receiver: NAME`"))
	case seen[t.Name]:
		l.add(f.Name.Problem(CodeDuplicate, hubName, fmt.Sprintf("there are two receivers named %q", t.Name), "give it another name"))
	}
	seen[t.Name] = true
	if !slices.Contains(alarm.Kinds(), t.Kind) {
		l.add(at.Problem(CodeAlarm, hubName, fmt.Sprintf("receiver %q has the kind %q, which is unknown", t.Name, t.Kind), nearestOf(t.Kind, alarm.Kinds())))
		return t, false
	}
	before := len(l.problems)
	if t.Kind == alarm.KindMail {
		l.mail(f, at, &t)
	} else {
		l.robot(f, at, &t)
	}
	return t, len(l.problems) == before
}

// refuseKeys reports keys that a kind does not have: they would be passed over in silence.
func (l *loader) refuseKeys(kind string, keys map[string]text) {
	for _, name := range []string{"url", "secret", "server", "security", "user", "password", "from"} {
		if t, is := keys[name]; is && t.Line > 0 {
			l.add(t.Problem(CodeAlarm, hubName, fmt.Sprintf("a receiver of kind %s has no %s", kind, name), "leave it out"))
		}
	}
}

func (l *loader) robot(f *receiverFile, at text, t *alarm.Target) {
	refused := map[string]text{"server": f.Server, "security": f.Security, "user": f.User, "password": f.Password, "from": f.From}
	if t.Kind == alarm.KindWeCom {
		refused["secret"] = f.Secret
	}
	l.refuseKeys(t.Kind, refused)
	if len(f.To) > 0 {
		l.add(f.To[0].Problem(CodeAlarm, hubName, fmt.Sprintf("a receiver of kind %s has no to", t.Kind), "leave it out"))
	}
	if f.URL.Value == "" {
		l.add(at.Problem(CodeAlarm, hubName, fmt.Sprintf("receiver %q has no url", t.Name), "write the robot's or the webhook's address as ${env:NAME} or ${file:PATH}"))
		return
	}
	switch {
	case isReference(f.URL.Value):
		t.URL, _ = l.resolve(f.URL, hubName)
	case t.Kind != alarm.KindWebhook:
		l.add(f.URL.Problem(CodeSecret, hubName, "a robot's url carries its key and stands here as it is", literalHint))
		return
	default:
		t.URL = connectors.NewSecret(f.URL.Value)
	}
	if u, err := url.Parse(t.URL.Reveal()); !t.URL.Empty() && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		l.add(f.URL.Problem(CodeAlarm, hubName, fmt.Sprintf("the url of receiver %q is none", t.Name), "it begins with https://"))
	}
	t.Secret = l.secret(f.Secret, hubName)
	if _, err := alarm.NewReceiver(*t, nil, nil); err != nil {
		l.add(f.Secret.Problem(CodeAlarm, hubName, err.Error(), "make one: 32 random bytes as base64 behind whsec_"))
	}
}

func (l *loader) mail(f *receiverFile, at text, t *alarm.Target) {
	l.refuseKeys(t.Kind, map[string]text{"url": f.URL, "secret": f.Secret})
	m := &t.Mail
	m.Server, m.User, m.From = f.Server.Value, f.User.Value, f.From.Value
	if host, port, ok := strings.Cut(m.Server, ":"); !ok || host == "" || !between(port, 1, 65535) {
		l.add(orPlace(f.Server, at).Problem(CodeAlarm, hubName, fmt.Sprintf("the server %q of receiver %q is not HOST:PORT", m.Server, t.Name), "for instance smtp.example.com:587"))
	}
	switch f.Security.Value {
	case "", "starttls":
		m.Implicit = f.Security.Value == "" && strings.HasSuffix(m.Server, ":465")
	case "tls":
		m.Implicit = true
	default:
		l.add(f.Security.Problem(CodeAlarm, hubName, fmt.Sprintf("security %q is unknown", f.Security.Value), "use starttls or tls; mail never leaves unencrypted"))
	}
	m.Password = l.secret(f.Password, hubName)
	if (f.User.Value == "") != (f.Password.Value == "") {
		l.add(orPlace(f.User, orPlace(f.Password, at)).Problem(CodeAlarm, hubName, fmt.Sprintf("receiver %q has only one of user and password", t.Name), "give both, or neither"))
	}
	address := func(t text, what string) string {
		a, err := mail.ParseAddress(t.Value)
		if err != nil || a.Address != t.Value {
			l.add(orPlace(t, at).Problem(CodeAlarm, hubName, fmt.Sprintf("%s %q is not an e-mail address", what, t.Value), "write it as name@example.com"))
		}
		return t.Value
	}
	address(f.From, "from")
	if len(f.To) == 0 {
		l.add(at.Problem(CodeAlarm, hubName, fmt.Sprintf("receiver %q sends to nobody", t.Name), "add `to: [name@example.com]`"))
	}
	for _, to := range f.To {
		m.To = append(m.To, address(to, "to"))
	}
}

// orPlace is a text's place, or another one where it is not given.
func orPlace(t, fallback text) text {
	if t.Line > 0 {
		return t
	}
	return fallback
}

func between(s string, from, to int) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= from && n <= to
}
