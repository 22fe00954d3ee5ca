// Package flows holds the flow files that come with minihub, for `minihub init` to copy and
// for demonstrations to run. README.md lists the connections and the store settings that
// they expect.
package flows

import (
	"embed"
	"io/fs"
)

//go:embed *.yaml
var shipped embed.FS

// Shipped is the folder of the flow files.
func Shipped() fs.FS { return shipped }
