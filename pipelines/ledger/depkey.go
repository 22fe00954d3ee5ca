package ledger

// depSep joins the parts of a dependency's key: the ASCII unit separator, because
// PostgreSQL text cannot hold a NUL.
const depSep = "\x1f"

// ReferenceKey is the key of a DepReference: a link that must appear.
func ReferenceKey(connection, operation, remoteKey string) string {
	return connection + depSep + operation + depSep + remoteKey
}

// LookupKey is the key of a DepLookup: an entry that must be filled.
func LookupKey(table, entry string) string { return table + depSep + entry }
