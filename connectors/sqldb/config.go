package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/minihub/minihub/connectors"
)

// rollbackTimeout bounds the clearing up after a fault.
const rollbackTimeout = 5 * time.Second

// fields are what a connection is given.
func fields(driver string) []connectors.Field {
	example := map[string]string{driverPostgres: "postgres://db.example:5432/shop", driverMySQL: "mysql://db.example:3306/shop"}[driver]
	return []connectors.Field{
		{Name: "url", Kind: connectors.FieldString, Required: true, Example: example,
			Text: "where the database is: driver://host:port/database, without a user and a password"},
		{Name: "user", Kind: connectors.FieldString, Required: true, Example: "minihub_reader", Text: "a user with no more rights than the description needs: SELECT for streams"},
		{Name: "password", Kind: connectors.FieldSecret, Text: "the user's password"},
		{Name: "timezone", Kind: connectors.FieldString, Required: true, Example: "Asia/Shanghai",
			Text: "the zone of times that the database keeps without one; all times are given in it"},
		{Name: "charset", Kind: connectors.FieldString, Enum: charsetNames(),
			Text: "what the text columns really hold, when it is not what the database declares for them (GBK bytes in latin1 columns)"},
		{Name: "tls", Kind: connectors.FieldString, Default: "prefer", Enum: []string{"off", "prefer", "require", "verify"},
			Text: "off; prefer: encrypted when the server can; require: encrypted; verify: encrypted, and the certificate must be right"},
		{Name: "statement_timeout", Kind: connectors.FieldDuration, Default: "30s", Text: "how long one statement may run"},
		{Name: "connections", Kind: connectors.FieldInt, Default: "4", Text: "open connections at most"},
	}
}

// conn is one opened database.
type conn struct {
	driver    string
	db        *sql.DB
	zone      *time.Location
	charset   string
	timeout   time.Duration
	now       func() time.Time
	place     string // for exchanges: mysql://host:port/database
	closing   sync.Once
	closed    error
	streams   map[string]*stream
	operation map[string]*operation

	mu      sync.Mutex
	seen    map[string][]column  // by source text: what columns there are
	checked map[string]time.Time // by name: when something was last found in order
}

func open(d *described, cfg connectors.Config, env connectors.Env) (connectors.Connection, error) {
	c := &conn{driver: d.driver, streams: d.streams, operation: d.operations, charset: cfg.String("charset"), timeout: cfg.Duration("statement_timeout"),
		now: env.Now, seen: map[string][]column{}, checked: map[string]time.Time{}}
	if c.now == nil {
		c.now = time.Now
	}
	var err error
	if c.zone, err = zoneOf(cfg.String("timezone")); err != nil {
		return nil, &connectors.FieldError{Field: "timezone", Text: err.Error()}
	}
	if c.timeout < 100*time.Millisecond || c.timeout > 10*time.Minute {
		return nil, &connectors.FieldError{Field: "statement_timeout", Text: "want 100ms to 10m"}
	}
	n := cfg.Int("connections")
	if n < 1 || n > 100 {
		return nil, &connectors.FieldError{Field: "connections", Text: "want 1 to 100"}
	}
	u, err := placeOf(d.driver, cfg.String("url"))
	if err != nil {
		return nil, &connectors.FieldError{Field: "url", Text: err.Error()}
	}
	c.place = u.String()
	var connector driver.Connector
	if d.driver == driverPostgres {
		connector, err = c.postgres(u, cfg)
	} else {
		connector, err = c.mysql(u, cfg)
	}
	if err != nil {
		return nil, err
	}
	c.db = sql.OpenDB(connector)
	c.db.SetMaxOpenConns(n)
	c.db.SetMaxIdleConns(n)
	c.db.SetConnMaxIdleTime(time.Minute)
	c.db.SetConnMaxLifetime(30 * time.Minute)
	return c, nil
}

func zoneOf(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, errors.New("want a zone by name, like Asia/Shanghai or UTC; the zone of this machine proves nothing about the database")
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is no known zone; write it like Asia/Shanghai or UTC", name)
	}
	return loc, nil
}

// placeOf reads driver://host:port/database. Nothing else may stand in it: a password in
// a URL ends in a log (Invariant 8).
func placeOf(driver, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("this is no URL; want " + driver + "://host:port/database")
	}
	port := map[string]string{driverPostgres: "5432", driverMySQL: "3306"}[driver]
	database := strings.Trim(u.Path, "/")
	switch {
	case u.User != nil:
		return nil, errors.New("a user or password stands in the URL; give them as user and password")
	case u.Scheme != driver && !(driver == driverPostgres && u.Scheme == "postgresql") && !(driver == driverMySQL && u.Scheme == "mariadb"):
		return nil, fmt.Errorf("the description is for %s; want %s://host:port/database", driver, driver)
	case u.Hostname() == "" || database == "" || strings.Contains(database, "/"):
		return nil, fmt.Errorf("want %s://host:port/database", driver)
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("parameters in the URL are not read; the connection's other fields say what can be said")
	}
	if p := u.Port(); p != "" {
		port = p
	}
	return &url.URL{Scheme: driver, Host: net.JoinHostPort(u.Hostname(), port), Path: "/" + database}, nil
}

func (c *conn) postgres(u *url.URL, cfg connectors.Config) (driver.Connector, error) {
	mode := map[string]string{"off": "disable", "prefer": "prefer", "require": "require", "verify": "verify-full"}[cfg.String("tls")]
	dsn := *u
	dsn.RawQuery = url.Values{"sslmode": {mode}}.Encode()
	pc, err := pgx.ParseConfig(dsn.String())
	if err != nil {
		return nil, &connectors.FieldError{Field: "url", Text: "the address cannot be read"}
	}
	// Nothing may come from the environment or a password file of this machine.
	pc.User, pc.Password = cfg.String("user"), cfg.Secret("password").Reveal()
	pc.ConnectTimeout = 10 * time.Second
	pc.RuntimeParams = map[string]string{"application_name": "minihub"}
	pc.StatementCacheCapacity, pc.DescriptionCacheCapacity = 0, 0
	pc.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec
	// A server that knows no charset refuses to call its bytes UTF-8: they come as they are.
	setup := fmt.Sprintf("SET TimeZone='UTC'; SET DateStyle='ISO, YMD'; SET IntervalStyle='iso_8601'; SET bytea_output='hex'; SET extra_float_digits=1; "+
		"SELECT set_config('client_encoding', CASE current_setting('server_encoding') WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END, false); SET statement_timeout=%d; SET lock_timeout=%d; SET idle_in_transaction_session_timeout=%d",
		c.timeout.Milliseconds(), lockTimeout(c.timeout).Milliseconds(), 2*c.timeout.Milliseconds())
	return stdlib.GetConnector(*pc, stdlib.OptionAfterConnect(func(ctx context.Context, pc *pgx.Conn) error {
		_, err := pc.PgConn().Exec(ctx, setup).ReadAll()
		return err
	})), nil
}

// lockTimeout is how long a statement waits for a row that another holds.
func lockTimeout(statement time.Duration) time.Duration { return max(statement/3, time.Second) }

func (c *conn) mysql(u *url.URL, cfg connectors.Config) (driver.Connector, error) {
	mc := mysql.NewConfig()
	mc.User, mc.Passwd = cfg.String("user"), cfg.Secret("password").Reveal()
	mc.Net, mc.Addr, mc.DBName = "tcp", u.Host, strings.Trim(u.Path, "/")
	mc.Collation = "utf8mb4_general_ci" // every server since 5.5 has it
	mc.TLSConfig = map[string]string{"off": "false", "prefer": "preferred", "require": "skip-verify", "verify": "true"}[cfg.String("tls")]
	mc.Timeout = 10 * time.Second
	mc.ReadTimeout, mc.WriteTimeout = 2*c.timeout, 2*c.timeout
	mc.Logger = &mysql.NopLogger{} // errors are answers, not lines on standard error
	inner, err := mysql.NewConnector(mc)
	if err != nil {
		return nil, &connectors.FieldError{Field: "url", Text: "the address cannot be read"}
	}
	seconds := max(1, int(lockTimeout(c.timeout)/time.Second))
	return &prepared{Connector: inner, always: []string{
		"SET time_zone='+00:00', innodb_lock_wait_timeout=" + fmt.Sprint(seconds) +
			// Strict: what does not fit is an error, not a shorter value. Zero dates can be read.
			", sql_mode='STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
	}, either: []string{
		fmt.Sprintf("SET max_statement_time=%f", c.timeout.Seconds()),      // MariaDB
		fmt.Sprintf("SET max_execution_time=%d", c.timeout.Milliseconds()), // MySQL
	}}, nil
}

// prepared sets a fresh connection up: all of always, and the first of either that the
// server knows.
type prepared struct {
	driver.Connector
	always, either []string
}

func (p *prepared) Connect(ctx context.Context) (driver.Conn, error) {
	dc, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	run := func(text string) error {
		_, err := dc.(driver.ExecerContext).ExecContext(ctx, text, nil)
		return err
	}
	for _, text := range p.always {
		if err = run(text); err != nil {
			break
		}
	}
	for i, text := range p.either {
		if err != nil {
			break
		}
		var unknown *mysql.MySQLError
		if err = run(text); err == nil {
			break
		} else if errors.As(err, &unknown) && unknown.Number == 1193 && i < len(p.either)-1 {
			err = nil
		}
	}
	if err != nil {
		return nil, errors.Join(err, dc.Close())
	}
	return dc, nil
}

// Close implements connectors.Connection.
func (c *conn) Close() error {
	c.closing.Do(func() { c.closed = c.db.Close() })
	return c.closed
}

// Ping implements connectors.Pinger: it connects, and every table of the description must
// be there with its columns.
func (c *conn) Ping(ctx context.Context) error {
	_, err := c.transaction(ctx, true, func(s *session) error {
		for _, st := range c.streams {
			if _, err := st.columnsOf(ctx, s); err != nil {
				return err
			}
		}
		for _, op := range c.operation {
			if err := op.inOrder(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return c.fault(err)
	}
	return nil
}
