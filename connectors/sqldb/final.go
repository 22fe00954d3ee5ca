package sqldb

import "github.com/minihub/minihub/connectors"

// finish says of an item whether it will ever change again: its status is among the
// final ones.
func finish(it *connectors.Item, st *stream, r row) {
	it.Final = st.final != nil && st.final.has(r.cells[st.final.column])
}
