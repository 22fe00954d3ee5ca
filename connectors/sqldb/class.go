package sqldb

import "strings"

// class is what kind of value a column holds, whichever database names its type.
type class int

// The classes.
const (
	classText    class = iota
	classChar          // padded with blanks
	classInt           // any width, signed or not
	classDecimal       // exact
	classFloat32       //
	classFloat64       //
	classBool          //
	classBit           // a short string of bits, read as a number
	classBytes         //
	classDate          // a day
	classLocal         // a day and a time without a zone
	classInstant       // a moment: the database knows the zone
	classTime          // a time of the day
	classJSON          //
	classUUID          //
)

// column is a column of an answer.
type column struct {
	name  string
	class class
	typ   string // as the database names it
}

// cell is one value as the database wrote it; nil is NULL.
type cell []byte

// grid is the answer of a query.
type grid struct {
	columns []column
	rows    [][]cell
}

func indexOf(list []column, name string) int {
	for i, c := range list {
		if c.name == name {
			return i
		}
	}
	return -1
}

func mysqlClass(typ string) class {
	switch typ = strings.TrimPrefix(typ, "UNSIGNED "); typ {
	case "TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT", "YEAR":
		return classInt
	case "DECIMAL":
		return classDecimal
	case "FLOAT":
		return classFloat32
	case "DOUBLE":
		return classFloat64
	case "BIT":
		return classBit
	case "BINARY", "VARBINARY", "BLOB", "TINYBLOB", "MEDIUMBLOB", "LONGBLOB", "GEOMETRY", "VECTOR":
		return classBytes
	case "DATE":
		return classDate
	case "DATETIME":
		return classLocal
	case "TIMESTAMP":
		return classInstant
	case "TIME":
		return classTime
	case "JSON":
		return classJSON
	case "CHAR":
		return classChar
	default:
		return classText
	}
}

// postgresTypes are the types by the number that the server gives them, fixed for ever
// in its catalogue.
var postgresTypes = map[uint32]struct {
	name  string
	class class
}{
	16: {"boolean", classBool}, 17: {"bytea", classBytes}, 20: {"bigint", classInt}, 21: {"smallint", classInt}, 23: {"integer", classInt},
	26: {"oid", classInt}, 114: {"json", classJSON}, 700: {"real", classFloat32}, 701: {"double precision", classFloat64},
	1042: {"character", classChar}, 1082: {"date", classDate}, 1083: {"time", classTime}, 1114: {"timestamp", classLocal},
	1184: {"timestamptz", classInstant}, 1700: {"numeric", classDecimal}, 2950: {"uuid", classUUID}, 3802: {"jsonb", classJSON},
	25: {"text", classText}, 1043: {"character varying", classText}, 1560: {"bit", classText},
}
