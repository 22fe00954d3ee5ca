package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/minihub/minihub/cmd/minihub/internal/cli"
)

// mistake is one thing wrong in the files, and what must be said about it.
type mistake struct {
	name           string
	file, old, new string // new takes the place of old; without old it is the whole file
	line           int
	code           string
	says, mend     string
}

var mistakes = []mistake{
	// Unknown keys, in every kind of file.
	{name: "unknown key in hub.yaml", file: "hub.yaml", old: "listen: 127.0.0.1:0\nintake", new: "lisen: 127.0.0.1:0\nintake",
		line: 2, code: "config.yaml", says: `"lisen"`, mend: `did you mean "listen"?`},
	{name: "unknown key inside hub.yaml", file: "hub.yaml", old: "intake: {listen: 127.0.0.1:0}", new: "intake: {listen: 127.0.0.1:0, max_bodi: 1MiB}",
		line: 3, code: "config.yaml", says: `"max_bodi"`, mend: `did you mean "max_body"?`},
	{name: "unknown key in a connection", file: "connections/sink.yaml", old: "connector: webhook\n", new: "connector: webhook\nmod: shadow\n",
		line: 3, code: "config.yaml", says: `"mod"`, mend: `did you mean "mode"?`},
	{name: "unknown field of a connector", file: "connections/sink.yaml", old: "  url: ", new: "  ulr: ",
		line: 5, code: "config.connection", says: "ulr", mend: `did you mean "url"?`},
	{name: "unknown key in a flow", file: "flows/notes.yaml", old: "    map: ", new: "    mapp: ",
		line: 7, code: "config.yaml", says: `"mapp"`, mend: `did you mean "map"?`},
	{name: "unknown key in an after", file: "flows/notes.yaml", old: "    map: ", new: "    after: {step: x, require: true}\n    map: ",
		line: 7, code: "config.yaml", says: `"require"`, mend: `did you mean "required"?`},
	{name: "unknown key in a mapping", file: "mappings/own/out/note.yaml", old: "{ to: key, from: '@key' }", new: "{ to: key, form: '@key' }",
		line: 6, code: "mapping.unknown_key", says: "form", mend: "did you mean from?"},
	{name: "unknown key in a lookup", file: "lookups/colours.yaml", old: "entries:", new: "entrys:",
		line: 2, code: "mapping.unknown_key", says: "entrys", mend: "did you mean entries?"},
	{name: "unknown key in jobs.yaml", file: "jobs.yaml", old: "sweep: true", new: "swep: true",
		line: 2, code: "config.yaml", says: `"swep"`, mend: `did you mean "sweep"?`},
	{name: "YAML that is none", file: "jobs.yaml", old: "jobs:\n", new: "jobs: [\n",
		code: "config.yaml"},
	{name: "two YAML documents", file: "jobs.yaml", old: "jobs:\n", new: "jobs: []\n---\njobs:\n",
		line: 2, code: "config.yaml", says: "more than one document"},
	{name: "an empty file", file: "connections/sink.yaml", new: " \n",
		line: 1, code: "config.yaml", says: "empty"},
	{name: "a file that is not UTF-8", file: "jobs.yaml", new: "jobs: [\xff\xfe]\n",
		line: 1, code: "config.yaml", says: "UTF-8"},
	{name: "a key that is there twice", file: "connections/sink.yaml", old: "connector: webhook\n", new: "connector: webhook\nconnector: webhook\n",
		line: 3, code: "config.yaml", says: "connector"},
	{name: "another ending", file: "flows/more.yml", new: "flow: more\n",
		code: "config.yaml", says: "not be read", mend: "more.yaml"},

	// Mappings against schemas.
	{name: "mapping to a missing field", file: "mappings/own/in/note.yaml", old: "to: title", new: "to: titel",
		line: 7, code: "mapping.unknown_field", says: "titel", mend: "did you mean title?"},
	{name: "mapping from a missing field", file: "mappings/own/in/note.yaml", old: "from: title", new: "from: titel",
		line: 7, code: "mapping.unknown_field", says: "titel", mend: "did you mean title?"},
	{name: "required field that no row sets", file: "mappings/own/in/note.yaml", old: "  - { to: kind, from: kind }\n", new: "",
		code: "mapping.missing_field", says: "requires", mend: "to: kind"},
	{name: "unknown function", file: "mappings/own/in/note.yaml", old: "convert: text", new: "convert: txet",
		line: 5, says: "txet", mend: "text"},
	{name: "unknown lookup table", file: "mappings/own/out/note.yaml", old: "lookup: colours", new: "lookup: colors",
		line: 7, code: "mapping.lookup_table", says: "colors", mend: "lookups/colors.yaml"},
	{name: "a mapping that is not there", file: "flows/notes.yaml", old: "own/out/note.yaml", new: "own/out/nota.yaml",
		line: 7, code: "flow.mapping", says: "own/out/nota.yaml", mend: "did you mean"},
	{name: "a mapping for something else", file: "flows/notes.yaml", old: "mappings/own/out/note.yaml", new: "mappings/webhook/out/order.yaml",
		line: 7, code: "flow.mapping", says: "canonical/order"},
	{name: "a condition that does not compile", file: "flows/notes.yaml", old: "    map: ", new: "    when: note.kind ==\n    map: ",
		line: 7},
	{name: "a condition over a missing field", file: "flows/notes.yaml", old: "    map: ", new: "    when: note.knd == \"x\"\n    map: ",
		line: 7, says: "knd"},
	{name: "a key over a missing field", file: "flows/notes.yaml", old: "{note_no}", new: "{noteno}",
		line: 6, says: "noteno"},

	// Schemas.
	{name: "schema that does not compile", file: "schemas/canonical/note.schema.json", old: `"kind": {"type": "string"}`, new: `"kind": {"type": "strnig"}`,
		line: 6, code: "schema.enum", says: "/properties/kind/type is not one of"},
	{name: "schema of a newer draft", file: "schemas/canonical/note.schema.json", old: "http://json-schema.org/draft-07/schema#", new: "https://json-schema.org/draft/2020-12/schema",
		line: 2, code: "schema.draft", says: "2020-12", mend: "draft-07"},
	{name: "newer keyword", file: "schemas/canonical/note.schema.json", old: `"required": [`, new: `"unevaluatedProperties": false, "required": [`,
		line: 4, code: "schema.keyword", says: "unevaluatedProperties"},
	{name: "schema that is not JSON", file: "schemas/canonical/note.schema.json", old: `"description": "A note, for tests.",`, new: `"description": "A note, for tests."`,
		line: 4, says: "comma"},
	{name: "pattern that is not RE2", file: "schemas/canonical/note.schema.json", old: `"maxLength": 20`, new: `"pattern": "(?<=a)b"`,
		line: 7, code: "schema.pattern"},
	{name: "unknown kind of search key", file: "schemas/canonical/note.schema.json", old: `"x-search": "order_no"`, new: `"x-search": "ordr_no"`,
		line: 6, code: "schema.search", says: "x-search", mend: "did you mean order_no?"},

	// Secrets.
	{name: "literal secret in a connection", file: "connections/sink.yaml", old: "${file:secrets/hook}", new: hookSecret,
		line: 4, code: "config.secret", says: "as it is", mend: "${env:NAME}"},
	{name: "literal secret in hub.yaml", file: "hub.yaml", old: "'${file:secrets/key}'", new: "a literal",
		line: 5, code: "config.secret", mend: "${env:NAME}"},
	{name: "password in the store's URL", file: "hub.yaml", old: "sqlite:hub.db", new: "postgres://hub:hunter2@db.example/hub",
		line: 1, code: "config.secret", mend: "${env:NAME}"},

	// Names that nothing has.
	{name: "unknown connector", file: "connections/sink.yaml", old: "connector: webhook", new: "connector: webhok",
		line: 2, code: "config.connector", says: "webhok", mend: `did you mean "webhook"?`},
	{name: "unknown connection in a flow's sources", file: "flows/notes.yaml", old: "shop.events", new: "shopp.events",
		line: 2, code: "flow.source", says: "shopp", mend: `did you mean "shop"?`},
	{name: "unknown stream", file: "flows/notes.yaml", old: "shop.events", new: "shop.event",
		line: 2, code: "flow.source", says: `"event"`, mend: `did you mean "events"?`},
	{name: "unknown label", file: "flows/notes.yaml", old: "[shop.events]", new: "['{kind=shoop}.events']",
		line: 2, code: "flow.source", says: "kind=shoop"},
	{name: "unknown connection in a flow's targets", file: "flows/notes.yaml", old: "sink.event.push", new: "sinc.event.push",
		line: 5, code: "flow.target", says: "sinc", mend: `did you mean "sink"?`},
	{name: "unknown operation", file: "flows/notes.yaml", old: "sink.event.push", new: "sink.event.posh",
		line: 5, code: "flow.target", says: "event.posh", mend: `did you mean "event.push"?`},
	{name: "unknown flow in a job", file: "jobs.yaml", old: "sweep: true", new: "reconcile: {flows: [note]}",
		line: 2, code: "config.job", says: `"note"`, mend: `did you mean "notes"?`},
	{name: "unknown stream in a job", file: "jobs.yaml", old: "sweep: true", new: "pull: [shop.orders]",
		line: 2, code: "config.job", says: "shop.orders"},
	{name: "a stream that is only pushed, in a job", file: "jobs.yaml", old: "sweep: true", new: "pull: [shop.events]",
		line: 2, code: "config.job", says: "pushed", mend: "leave the job out"},
	{name: "unknown mode", file: "connections/sink.yaml", old: "connector: webhook\n", new: "connector: webhook\nmode: shadwo\n",
		line: 3, code: "config.value", says: "shadwo", mend: "shadow"},

	// Values.
	{name: "bad cron expression", file: "jobs.yaml", old: "@every 1h", new: "61 * * * * *",
		line: 2, code: "config.job", says: "61 * * * * *", mend: "*/30 * * * * *"},
	{name: "cron expression of five fields", file: "jobs.yaml", old: "@every 1h", new: "*/5 * * * *",
		line: 2, code: "config.job", says: "six fields"},
	{name: "job without a schedule", file: "jobs.yaml", old: "every: '@every 1h', ", new: "",
		line: 2, code: "config.job"},
	{name: "job that does two things", file: "jobs.yaml", old: "sweep: true", new: "sweep: true, retention: true",
		line: 2, code: "config.job", says: "one thing"},
	{name: "job that must be true or false", file: "jobs.yaml", old: "sweep: true", new: "sweep: maybe",
		line: 2, code: "config.yaml", says: "maybe", mend: "write true or false"},
	{name: "bad size", file: "hub.yaml", old: "{listen: 127.0.0.1:0}", new: "{listen: 127.0.0.1:0, max_body: much}",
		line: 3, code: "config.value", says: "much", mend: "2MiB"},
	{name: "bad span of time", file: "hub.yaml", old: "log: error", new: "retention: soon",
		line: 4, code: "config.value", says: "soon", mend: "180d"},
	{name: "bad time zone", file: "hub.yaml", old: "log: error", new: "time_zone: Asia/Shangri-La",
		line: 4, code: "config.value", says: "Shangri-La"},
	{name: "bad log level", file: "hub.yaml", old: "log: error", new: "log: loud",
		line: 4, code: "config.value", says: "loud", mend: "debug, info, warn"},
	{name: "unknown store", file: "hub.yaml", old: "sqlite:hub.db", new: "mysql://hub.db",
		line: 1, code: "config.value", says: "mysql", mend: "sqlite:FILE"},
	{name: "bad listening address", file: "hub.yaml", old: "listen: 127.0.0.1:0\nintake", new: "listen: 127.0.0.1\nintake",
		line: 2, code: "config.value", says: "127.0.0.1", mend: "HOST:PORT"},
	{name: "bad URL of a connection", file: "connections/sink.yaml", old: "http://127.0.0.1:9/hook", new: "127.0.0.1:9/hook",
		line: 5, code: "config.connection", says: "url"},
	{name: "bad pointer", file: "connections/shop.yaml", old: "key_pointer: /no", new: "key_pointer: no",
		line: 7, code: "config.connection", says: "key_pointer"},
	{name: "bad secret", file: "connections/shop.yaml", old: "${file:secrets/hook}", new: "${file:secrets/key}",
		line: 6, code: "config.connection", says: "whsec_"},
	{name: "no search key", file: "hub.yaml", old: "secrets: {search_key: '${file:secrets/key}'}\n", new: "",
		line: 1, code: "config.missing", says: "search_key"},
	{name: "connection without its required field", file: "connections/shop.yaml", old: "  secret: ${file:secrets/hook}\n", new: "",
		line: 2, code: "config.connection", says: "secret"},

	// Flows.
	{name: "a step that waits for itself", file: "flows/notes.yaml", old: "    map: ", new: "    after: sink.event.push\n    map: ",
		line: 7, code: "flow.dependency", says: "itself"},
	{name: "a step that waits for a later one", file: "flows/notes.yaml", old: "    map: mappings/own/out/note.yaml\n",
		new:  "    map: mappings/own/out/note.yaml\n    after: second\n  - {operation: sink.event.push, step: second, key: '{note_no}', map: mappings/own/out/note.yaml, after: sink.event.push}\n",
		line: 8, code: "flow.dependency", says: "later", mend: "no cycle"},
	{name: "a step that waits for nothing known", file: "flows/notes.yaml", old: "    map: ", new: "    after: sink.evnt.push\n    map: ",
		line: 7, code: "flow.dependency", says: "sink.evnt.push", mend: "did you mean"},
	{name: "on_change of an upsert", file: "flows/notes.yaml", old: "    map: ", new: "    on_change: redo\n    map: ",
		line: 7, code: "flow.on_change", says: "upsert", mend: "leave `on_change` out"},
	{name: "unknown on_change", file: "flows/notes.yaml", old: "    map: ", new: "    on_change: retry\n    map: ",
		line: 7, code: "flow.on_change", says: "retry", mend: "ignore, park or redo"},
	{name: "two steps of one name", file: "flows/notes.yaml", old: "    map: mappings/own/out/note.yaml\n",
		new:  "    map: mappings/own/out/note.yaml\n  - {operation: sink.event.push, key: '{note_no}', map: mappings/own/out/note.yaml}\n",
		line: 8, code: "flow.duplicate", says: "sink.event.push"},
	{name: "a step without a key", file: "flows/notes.yaml", old: "    key: '{store.code}-{note_no}'\n", new: "",
		line: 5, code: "flow.missing", says: "key"},
	{name: "a flow without steps", file: "flows/notes.yaml", new: "flow: notes\nfrom: [shop.events]\ncanonical: mappings/own/in/note.yaml\n",
		line: 1, code: "flow.missing", says: "no targets", mend: "to:"},

	// Names that are there twice.
	{name: "two connections of one name", file: "connections/z.yaml", new: "connection: sink\nconnector: webhook\nconfig: {secret: '${file:secrets/hook}'}\n",
		line: 1, code: "config.duplicate", says: "connections/sink.yaml"},
	{name: "two flows of one name", file: "flows/z.yaml", new: "flow: notes\nfrom: [shop.events]\ncanonical: mappings/own/in/note.yaml\nto:\n" +
		"  - {operation: sink.event.push, key: '{note_no}', map: mappings/own/out/note.yaml}\n",
		line: 1, code: "flow.duplicate", says: "flows/notes.yaml"},
	{name: "two jobs of one name", file: "jobs.yaml", old: "jobs:\n", new: "jobs:\n  - {job: sweep, every: '@every 2h', sweep: true}\n",
		line: 3, code: "config.duplicate", says: `"sweep"`},
}

// parcels is a deployment that orders parcels at a warehouse, which can be cancelled.
func parcels() files {
	f := notes()
	f["connections/wms.yaml"] = "connection: wms\n" +
		"connector: qimen\n" +
		"config: {base_url: 'http://127.0.0.1:9', app_key: invented, secret: '${file:secrets/key}', customer_id: C0}\n"
	f["connections/wx.yaml"] = "connection: wx\nconnector: wechatshop\nstart: now\nconfig: {app_id: wx0, app_secret: '${file:secrets/key}'}\n"
	f["jobs.yaml"] += "  - {job: pull, every: '@every 1m', pull: [wx.orders]}\n"
	f["flows/parcels.yaml"] = "flow: parcels\n" +
		"from: [shop.events]\n" +
		"canonical: mappings/wechatshop/in/order.yaml\n" +
		"to:\n" +
		"  - operation: wms.delivery.create\n" +
		"    key: '{order_no}'\n" +
		"    map: mappings/qimen/out/delivery.yaml\n" +
		"    on_change: redo\n" +
		"  - operation: wms.delivery.cancel\n" +
		"    undoes: wms.delivery.create\n" +
		"    key: '{order_no}'\n" +
		"    map: mappings/qimen/out/cancel.yaml\n"
	return f
}

var parcelMistakes = []mistake{
	{name: "history without a beginning", file: "connections/wx.yaml", old: "start: now\n", new: "",
		line: 2, code: "config.missing", says: "where its history begins", mend: "start: now"},
	{name: "history that begins at no time", file: "connections/wx.yaml", old: "start: now", new: "start: yesterday",
		line: 3, code: "config.value", says: "yesterday", mend: "with its zone"},
	{name: "a stream that the shop does not have", file: "jobs.yaml", old: "wx.orders", new: "wx.order",
		line: 3, code: "config.job", says: "wx has no stream", mend: `did you mean "orders"?`},
	{name: "redo without an undo step", file: "flows/parcels.yaml", old: "  - operation: wms.delivery.cancel\n" +
		"    undoes: wms.delivery.create\n    key: '{order_no}'\n    map: mappings/qimen/out/cancel.yaml\n", new: "",
		line: 8, code: "flow.on_change", says: "redo needs a step that undoes wms.delivery.create", mend: "undoes: wms.delivery.create"},
	{name: "a cancel that does not say of what", file: "flows/parcels.yaml", old: "    undoes: wms.delivery.create\n", new: "",
		line: 9, code: "flow.dependency", says: "does not say which", mend: "undoes: STEP"},
	{name: "a cancel of nothing known", file: "flows/parcels.yaml", old: "undoes: wms.delivery.create", new: "undoes: wms.delivery.creat",
		line: 10, code: "flow.dependency", says: "wms.delivery.creat", mend: `did you mean "wms.delivery.create"?`},
	{name: "a cancel under another key", file: "flows/parcels.yaml", old: "create\n    key: '{order_no}'\n    map: mappings/qimen/out/cancel.yaml", new: "create\n    key: 'x-{order_no}'\n    map: mappings/qimen/out/cancel.yaml",
		line: 11, code: "flow.dependency", says: "the key of what it cancels", mend: "'{order_no}'"},
	{name: "a create that is said to undo", file: "flows/parcels.yaml", old: "    on_change: redo\n", new: "    undoes: wms.delivery.cancel\n",
		line: 8, code: "flow.dependency", says: "does not undo"},
}

// Every mistake in the files is found by `check`, with its place, the rule and a way to
// mend it, and exit code 2; the rest of the deployment raises no other problem.
func TestCheckFindsEveryMistakeInTheFiles(t *testing.T) {
	t.Run("notes", func(t *testing.T) { findAll(t, notes(), mistakes) })
	t.Run("parcels", func(t *testing.T) { findAll(t, parcels(), parcelMistakes) })
}

func findAll(t *testing.T, base files, list []mistake) {
	if code, ps := check(t, base.write(t)); code != cli.Fine || len(ps) != 0 {
		t.Fatalf("the deployment without mistakes: exit %d, %+v", code, ps)
	}
	for _, m := range list {
		t.Run(strings.ReplaceAll(m.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			dir := base.with(t, m.file, m.old, m.new).write(t)
			code, ps := check(t, dir)
			if code != cli.Input {
				t.Errorf("exit %d, want %d", code, cli.Input)
			}
			i := slices.IndexFunc(ps, func(p problem) bool {
				return p.File == m.file && (m.line == 0 || p.Line == m.line) && (m.code == "" || p.Code == m.code) &&
					strings.Contains(p.Text, m.says) && strings.Contains(p.Hint, m.mend)
			})
			if i < 0 {
				t.Errorf("no problem at %s:%d [%s] that says %q and %q; got %+v", m.file, m.line, m.code, m.says, m.mend, ps)
			}
			for _, p := range ps {
				// One mistake is one problem, or a few at the same place: nothing that only
				// follows from it is reported.
				if p.File != m.file {
					t.Errorf("a problem elsewhere: %+v", p)
				}
				if p.Code == "" || p.Text == "" || strings.Contains(p.Text+p.Hint, hookSecret) || strings.Contains(p.Text+p.Hint, "hunter2") {
					t.Errorf("a problem without code or text, or with a secret: %+v", p)
				}
			}
		})
	}
}
