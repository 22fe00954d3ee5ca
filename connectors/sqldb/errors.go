package sqldb

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/minihub/minihub/connectors"
)

// rule is what a code of a database means.
type rule struct {
	kind  connectors.Kind
	scope connectors.Scope
	wait  time.Duration
	hint  string
}

var (
	dataFault   = rule{kind: connectors.Invalid, scope: connectors.OfDocument, hint: "mend the document or its mapping"}
	taken       = rule{kind: connectors.Conflict, scope: connectors.OfDocument, hint: "another row has this value in a unique column"}
	reference   = rule{kind: connectors.Invalid, scope: connectors.OfDocument, hint: "a row that it refers to is not there, or other rows refer to it"}
	statement   = rule{kind: connectors.Invalid, scope: connectors.OfOperation, hint: "compare the description with the table: names of tables and columns, and the SELECT"}
	permission  = rule{kind: connectors.Forbidden, scope: connectors.OfOperation, hint: "grant the user what the description needs"}
	login       = rule{kind: connectors.Unauthorized, scope: connectors.OfConnection, hint: "check user and password, and from where the user may log in"}
	noDatabase  = rule{kind: connectors.NotFound, scope: connectors.OfConnection, hint: "check the database's name in the url"}
	locked      = rule{kind: connectors.Unavailable, scope: connectors.OfDocument, hint: "another transaction holds the rows; it is tried again"}
	slow        = rule{kind: connectors.Unavailable, scope: connectors.OfOperation, hint: "an index over the columns that are compared and ordered by is what is usually missing; or raise statement_timeout"}
	away        = rule{kind: connectors.Unavailable, scope: connectors.OfConnection}
	readOnly    = rule{kind: connectors.Unavailable, scope: connectors.OfConnection, hint: "the server takes no writes now: is it a standby?"}
	crowded     = rule{kind: connectors.RateLimited, scope: connectors.OfConnection, wait: 5 * time.Second, hint: "lower connections, or let the server take more"}
	unlisted    = rule{kind: connectors.Unclassified, scope: connectors.OfDocument}
	badlySpoken = rule{kind: connectors.Unavailable, scope: connectors.OfConnection, hint: "what came was no answer of this kind of database: check host and port, and what stands between"}
)

// postgresRules are by SQLSTATE, or by its first two letters.
var postgresRules = map[string]rule{
	"08": away, "57P": away, "57014": slow, "53": away, "53300": crowded, "55P03": locked, "55006": locked, "40": locked, "58": away,
	"28": login, "3D000": noDatabase, "42501": permission, "42": statement, "3F000": statement, "0A": statement, "25006": readOnly, "25": away,
	"23505": taken, "23P01": taken, "23503": reference, "23": dataFault, "22": dataFault, "44": dataFault, "P0001": dataFault,
}

// mysqlRules are by the server's number; MariaDB's own are among them.
var mysqlRules = map[uint16]rule{
	1040: crowded, 1203: crowded, 1226: {kind: connectors.RateLimited, scope: connectors.OfConnection, wait: time.Minute, hint: "the user's allowance per hour is used up"},
	1045: login, 1698: login, 1130: login, 1251: login, 1862: login, 1049: noDatabase,
	1044: permission, 1142: permission, 1143: permission, 1227: permission, 1370: permission, 1410: permission,
	1146: statement, 1054: statement, 1064: statement, 1052: statement, 1060: statement, 1103: statement, 1305: statement, 1055: statement, 1267: statement, 1248: statement,
	1205: locked, 1213: locked, 1020: locked, 1969: slow, 3024: slow, 1317: slow, 1028: slow,
	1053: away, 1077: away, 1927: away, 1021: away, 1114: away, 1180: away, 1129: away, 4031: away,
	1290: readOnly, 1792: readOnly, 1836: readOnly,
	1062: taken, 1586: taken, 1169: taken, 1451: reference, 1452: reference, 1216: reference, 1217: reference,
	1048: dataFault, 1364: dataFault, 1406: dataFault, 1264: dataFault, 1265: dataFault, 1292: dataFault, 1366: dataFault, 1411: dataFault,
	1690: dataFault, 3819: dataFault, 4025: dataFault, 1644: dataFault, 3140: dataFault, 1367: dataFault, 3988: dataFault, 1525: dataFault, 1300: dataFault,
}

// fault classifies what went wrong. The caller sets Sent.
func (c *conn) fault(err error) *connectors.Error {
	var own *connectors.Error
	if errors.As(err, &own) {
		return own
	}
	if e, ok := serverFault(err); ok {
		return e
	}
	var connecting *pgconn.ConnectError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfDocument, Code: "sql.timeout", Text: "the time for the call is over"}
	case errors.Is(err, context.Canceled):
		return &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfDocument, Code: "sql.cancelled", Text: "the call was cancelled"}
	case errors.Is(err, errTooMuch):
		return &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfOperation, Code: "sql.too_large",
			Text: "one page has more than " + strconv.Itoa(maxAnswer>>20) + " MiB", Hint: "make `page` smaller, or leave large columns out with `omit`"}
	case errors.Is(err, mysql.ErrMalformPkt), errors.Is(err, mysql.ErrPktSync), errors.Is(err, mysql.ErrPktSyncMul), errors.Is(err, mysql.ErrOldProtocol), isProtocol(err):
		return badlySpoken.error("sql.protocol", "the answer does not follow the database's protocol")
	case errors.Is(err, mysql.ErrNoTLS):
		return &connectors.Error{Kind: connectors.Forbidden, Scope: connectors.OfConnection, Code: "sql.tls", Text: "the server does not encrypt", Hint: "set tls: off only within a network you trust"}
	case errors.As(err, &connecting):
		return away.error("sql.connect", "the database cannot be reached")
	default:
		// What is left comes from the network or from the driver's reading of it.
		return away.error("sql.connection", "the connection to the database broke")
	}
}

func isProtocol(err error) bool {
	return strings.Contains(err.Error(), "unknown message type") || strings.Contains(err.Error(), "invalid message")
}

// serverFault classifies an error that the server itself answered.
func serverFault(err error) (*connectors.Error, bool) {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		r := unlisted
		for n := len(pe.Code); n >= 2; n-- {
			if found, ok := postgresRules[pe.Code[:n]]; ok {
				r = found
				break
			}
		}
		// Detail and Where hold values of the row.
		text := pe.Message
		if pe.ConstraintName != "" && !strings.Contains(text, pe.ConstraintName) {
			text += " (constraint " + pe.ConstraintName + ")"
		}
		return r.error(pe.Code, text), true
	}
	var me *mysql.MySQLError
	if errors.As(err, &me) {
		r, ok := mysqlRules[me.Number]
		if !ok {
			r = unlisted
		}
		return r.error(strconv.Itoa(int(me.Number)), me.Message), true
	}
	return nil, false
}

func (r rule) error(code, text string) *connectors.Error {
	return &connectors.Error{Kind: r.kind, Scope: r.scope, Code: code, Text: text, Wait: r.wait, Hint: r.hint}
}

// surelyRolledBack says whether an error out of COMMIT means that nothing was kept.
// PostgreSQL answers an error only when it rolled back. MySQL says so for a few.
func surelyRolledBack(err error) bool {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		// A server that shuts down or fails may have written the commit before.
		return !strings.HasPrefix(pe.Code, "57P") && !strings.HasPrefix(pe.Code, "58") && !strings.HasPrefix(pe.Code, "XX") && !strings.HasPrefix(pe.Code, "08") &&
			pe.Code != "40003" // statement completion unknown
	}
	var me *mysql.MySQLError
	if errors.As(err, &me) {
		switch r, ok := mysqlRules[me.Number]; {
		case !ok:
			return false
		default:
			return r != away && r != slow && r != readOnly
		}
	}
	return false
}

// duplicate says that a unique key refused the row.
func duplicate(err error) bool {
	e, ok := serverFault(err)
	return ok && e.Kind == connectors.Conflict
}

func ofOperation(code, text, hint string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfOperation, Code: code, Text: text, Hint: hint}
}

func ofDocument(kind connectors.Kind, code, text, hint string) *connectors.Error {
	return &connectors.Error{Kind: kind, Scope: connectors.OfDocument, Code: code, Text: text, Hint: hint}
}
