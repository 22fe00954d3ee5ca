package sqldb

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/minihub/minihub/connectors"
)

func all(columns string) string {
	return "streams:\n  rows:\n    entity: order\n    table: awkward\n    key: [id]\n    rescan: {}\n" + columns
}

// body reads the only row.
func (srv *server) body(description string, change ...func(*connectors.Values)) string {
	srv.t.Helper()
	items, _ := pull(srv.t, srv.connect(description, change...), "rows", "", connectors.Window{})
	if len(items) != 1 {
		srv.t.Fatalf("%d rows, want 1", len(items))
	}
	return string(items[0].Body)
}

func (srv *server) holds(got string, want ...string) {
	srv.t.Helper()
	for _, w := range want {
		if !strings.Contains(got, w) {
			srv.t.Errorf("%s is not in %s", w, got)
		}
	}
}

func TestValuesOfPostgresStayExact(t *testing.T) {
	srv := start(t, driverPostgres)
	srv.exec(`CREATE TABLE awkward (id bigint PRIMARY KEY, dec numeric(40,10), nan numeric, big bigint, f4 real, f8 double precision, b boolean, raw bytea, d date, ts timestamp(3),
		tz timestamptz, tm time, long numeric(50,10), j jsonb, j1 json, u uuid, c char(5), empty text, nothing text, forever timestamp, list int[], "Wörd ""q""" text, num text, flag int)`,
		`INSERT INTO awkward VALUES (9223372036854775807, 12345678901234567890123456789.0123456789, 'NaN', -9223372036854775808, 0.1, 0.1, true, '\x00ff10', '2026-02-28',
		'2026-11-21 10:00:00.120', '2026-11-21 10:00:00+08', '23:59:59.5', 1234567890123456789012345678901.0123456789, '{"id":9007199254740993,"p":1.50}', '[1.10]', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'ab', '', NULL, 'infinity', '{1,2}', '是', '0012', 2)`)
	got := srv.body(all("    columns: {num: {as: number}, flag: {as: bool}}\n"))
	srv.holds(got, `"id":9223372036854775807`, `"dec":12345678901234567890123456789.0123456789`, `"nan":"NaN"`, `"big":-9223372036854775808`, `"f4":0.1`, `"f8":0.1`, `"b":true`,
		`"raw":"AP8Q"`, `"d":"2026-02-28"`, `"ts":"2026-11-21T10:00:00.12+08:00"`, `"tz":"2026-11-21T10:00:00+08:00"`, `"tm":"23:59:59.5"`, `"long":"1234567890123456789012345678901.0123456789"`, `"j":{"id":9007199254740993,"p":1.50}`,
		`"j1":[1.10]`, `"u":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`, `"c":"ab   "`, `"empty":""`, `"nothing":null`, `"forever":"infinity"`, `"list":"{1,2}"`, `"Wörd \"q\"":"是"`, `"num":12`, `"flag":2`)
	got = srv.body(all("    omit: [raw]\n    columns: {dec: {as: text}, big: {as: text}, ts: {zone: UTC}, c: {clean: space}}\n"))
	srv.holds(got, `"dec":"12345678901234567890123456789.0123456789"`, `"big":"-9223372036854775808"`, `"ts":"2026-11-21T10:00:00.12Z"`, `"c":"ab"`)
	if strings.Contains(got, "raw") {
		t.Errorf("an omitted column is in %s", got)
	}
}

func TestValuesOfMySQLStayExact(t *testing.T) {
	srv := start(t, driverMySQL)
	gbk, err := simplifiedchinese.GBK.NewEncoder().String("张三")
	if err != nil {
		t.Fatal(err)
	}
	srv.exec("CREATE TABLE awkward (id bigint unsigned PRIMARY KEY, `dec` decimal(40,10), f4 float, f8 double, one tinyint(1), flag tinyint(1), bits bit(3), raw varbinary(10), d date, zero date, dt datetime(3), "+
		"never datetime, ts timestamp NULL, tm time, js json, c char(5), padded varchar(20), gbk varchar(20) CHARACTER SET latin1, utf varchar(20) CHARACTER SET latin1, plain varchar(20) CHARACTER SET latin1, "+
		"emoji varchar(20), bad varchar(10) CHARACTER SET latin1, y year, part date, zf int(5) unsigned zerofill, s set('a','b'))",
		"INSERT INTO awkward VALUES (18446744073709551615, 12345678901234567890123456789.0123456789, 0.1, 0.1, 1, 2, b'101', x'00ff10', '2026-02-28', '0000-00-00', '2026-11-21 10:00:00.120', "+
			"'0000-00-00 00:00:00', '2026-11-21 02:00:00', '-12:30:00', '{\"id\":9007199254740993,\"p\":1.50}', 'ab', 'a\\0\\0', '', '', 'é', '张三😀', '', 2026, '2026-00-00', 42, 'a,b')")
	if _, err := srv.db.Exec("UPDATE awkward SET gbk = UNHEX(?), utf = UNHEX(?), bad = UNHEX(?)", hex.EncodeToString([]byte(gbk)), hex.EncodeToString([]byte("李四")), "ffff"); err != nil {
		t.Fatal(err)
	}
	got := srv.body(all("    columns: {one: {as: bool}, flag: {as: bool}, js: {as: json}, padded: {clean: nul}, gbk: {charset: gbk}, utf: {charset: utf-8}, bad: {charset: gbk}}\n"))
	srv.holds(got, `"id":18446744073709551615`, `"dec":12345678901234567890123456789.0123456789`, `"f4":0.1`, `"f8":0.1`, `"one":true`, `"flag":2`, `"bits":5`, `"raw":"AP8Q"`, `"d":"2026-02-28"`,
		`"zero":null`, `"dt":"2026-11-21T10:00:00.12+08:00"`, `"never":null`, `"ts":"2026-11-21T10:00:00+08:00"`, `"tm":"-12:30:00"`, `"js":{"id":9007199254740993,"p":1.50}`, `"c":"ab"`,
		`"padded":"a"`, `"utf":"李四"`, `"plain":"é"`, `"emoji":"张三😀"`, `"bad":{"$bytes":"//8="}`, `"y":2026`, `"part":"2026-00-00"`, `"zf":42`, `"s":"a,b"`)
	srv.holds(got, `"gbk":"张三"`)
	got = srv.body(all("    columns: {never: {zero: text}, zero: {zero: text}, one: {as: text}}\n"), func(v *connectors.Values) { v.Text["charset"] = "utf-8" })
	srv.holds(got, `"never":"0000-00-00 00:00:00"`, `"zero":"0000-00-00"`, `"one":"1"`, `"padded":{"$bytes":"YQAA"}`, `"utf":"李四"`, `"emoji":"张三😀"`)
}

// A charset that a column really has is written back in it, and compared in it.
func TestCharsetIsWrittenBack(t *testing.T) {
	srv := start(t, driverMySQL)
	srv.exec("CREATE TABLE members (code varchar(20) PRIMARY KEY, name varchar(20) CHARACTER SET latin1)")
	c := srv.connect("operations:\n  member.upsert:\n    entity: member\n    table: members\n    key: {code: $key}\n    columns: {name: {from: /name, charset: gbk}}\n")
	want(t, deliver(t, c, "member.upsert", "M-1", `{"name":"张三"}`), connectors.Done, "")
	if got := srv.value("SELECT hex(CAST(name AS BINARY)) FROM members"); got != "D5C5C8FD" {
		t.Errorf("the column holds %s", got)
	}
	if res := deliver(t, c, "member.upsert", "M-1", `{"name":"张三"}`); res.Exchanges[0].Response != "as wanted already" {
		t.Errorf("the same again: %+v", res.Exchanges[0])
	}
	want(t, deliver(t, c, "member.upsert", "M-1", `{"name":"😀"}`), connectors.Refused, "sql.document")
	plain := srv.connect("operations:\n  member.upsert:\n    entity: member\n    table: members\n    key: {code: $key}\n    columns: {name: /name}\n")
	want(t, deliver(t, plain, "member.upsert", "M-2", `{"name":"张三"}`), connectors.Refused, "1366")
}

// A database without a charset of its own hands out whatever bytes it was given.
func TestTextOfAnUnknownCharset(t *testing.T) {
	srv := start(t, driverPostgres)
	name := srv.user + "_ascii"
	srv.admin.exec("CREATE DATABASE " + name + " OWNER " + srv.user + " TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'")
	t.Cleanup(func() { srv.admin.exec("DROP DATABASE " + name + " WITH (FORCE)") })
	other := *srv
	other.database = name
	other.db = srv.open(name)
	defer other.db.Close()
	other.exec(`CREATE SCHEMA `+srv.user, `CREATE TABLE awkward (id int PRIMARY KEY, name text, other text)`, `INSERT INTO awkward VALUES (1, E'\xd5\xc5\xc8\xfd', E'\xd5')`)
	c := other.connect(all("    columns: {name: {charset: gbk}}\n"))
	items, _ := pull(t, c, "rows", "", connectors.Window{})
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if len(items) != 1 {
		t.Fatalf("%d rows", len(items))
	}
	srv.holds(string(items[0].Body), `"name":"张三"`, `"other":{"$bytes":"1Q=="}`)
}

// Ids above 2^53 and prices must not be compared as floating point.
func TestKeysBeyondFloatsAreToldApart(t *testing.T) {
	each(t, func(t *testing.T, srv *server) {
		srv.exec(`CREATE TABLE awkward (id bigint NOT NULL, price decimal(30,10) NOT NULL, PRIMARY KEY (price, id))`,
			`INSERT INTO awkward VALUES (9007199254740992, 10000000000000000.0000000001), (9007199254740993, 10000000000000000.0000000001), (9007199254740994, 10000000000000000.0000000002), (9007199254740995, 10000000000000000.0000000003)`)
		c := srv.connect("streams:\n  rows:\n    entity: order\n    table: awkward\n    key: [price, id]\n    page: 1\n    rescan: {}\n")
		items, _ := pull(t, c, "rows", "", connectors.Window{})
		var ids []string
		for _, it := range items {
			ids = append(ids, it.Key)
		}
		want := "10000000000000000.0000000001/9007199254740992 10000000000000000.0000000001/9007199254740993 10000000000000000.0000000002/9007199254740994 10000000000000000.0000000003/9007199254740995"
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("read %s", got)
		}
		got, err := c.Fetch(t.Context(), "rows", []string{"10000000000000000.0000000001/9007199254740993"})
		if err != nil || len(got) != 1 || got[0].Deleted {
			t.Errorf("fetched %+v, %v", got, err)
		}
	})
}

func TestKeysThatNoRowCanHaveAreAbsent(t *testing.T) {
	each(t, func(t *testing.T, srv *server) {
		kinds := map[string][]string{"int": {"2147483647", "2147483648", "-", "1e3", "", "\x00"}, "bigint": {"-9223372036854775808", "9223372036854775808", "0x1"}, "decimal(30,2)": {"12345678901234567890.50", "1.2.3", "1,5"}}
		if srv.driver == driverMySQL {
			kinds["bigint unsigned"] = []string{"18446744073709551615", "18446744073709551616", "-x"}
			kinds["binary(4)"] = []string{"00ff10fe", "zz", "00"}
		} else {
			kinds["uuid"] = []string{"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99", "word"}
			kinds["bytea"] = []string{"00ff10fe", "zz", "0"}
			kinds["smallint"] = []string{"32767", "32768"}
		}
		for kind, keys := range kinds {
			srv.exec("DROP TABLE IF EXISTS awkward", "CREATE TABLE awkward (id "+kind+" PRIMARY KEY)")
			switch kind {
			case "binary(4)":
				srv.exec("INSERT INTO awkward VALUES (x'" + keys[0] + "')")
			case "bytea":
				srv.exec(`INSERT INTO awkward VALUES ('\x` + keys[0] + "')")
			default:
				srv.exec("INSERT INTO awkward VALUES ('" + keys[0] + "')")
			}
			got, err := srv.connect(all("")).Fetch(t.Context(), "rows", keys)
			if err != nil {
				t.Errorf("%s: %v", kind, err)
				continue
			}
			for _, it := range got {
				if it.Deleted != (it.Key != keys[0]) {
					t.Errorf("%s: %q deleted %t", kind, it.Key, it.Deleted)
				}
			}
			if len(got) != len(keys) {
				t.Errorf("%s: %d answers for %d keys", kind, len(got), len(keys))
			}
		}
	})
}

// A column that is added shows up, and so does one that is gone.
func TestTablesMayChange(t *testing.T) {
	each(t, func(t *testing.T, srv *server) {
		srv.exec("CREATE TABLE awkward (id int PRIMARY KEY, a int)", "INSERT INTO awkward VALUES (1, 1)")
		clk := &clock{at: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)}
		c := srv.connectAt(all(""), clk)
		body := func(want string) {
			t.Helper()
			items, _ := pull(t, c, "rows", "", connectors.Window{})
			if got := string(items[0].Body); got != want {
				t.Errorf("the document is %s, want %s", got, want)
			}
		}
		body(`{"a":1,"id":1}`)
		srv.exec("ALTER TABLE awkward ADD b int")
		clk.at = clk.at.Add(believed)
		body(`{"a":1,"b":null,"id":1}`)
		srv.exec("ALTER TABLE awkward DROP COLUMN a")
		if _, err := c.Pull(t.Context(), connectors.PullRequest{Stream: "rows"}); connectors.AsError(err).Kind != connectors.Invalid {
			t.Errorf("a column that is gone: %v", err)
		}
		body(`{"b":null,"id":1}`)
	})
}
