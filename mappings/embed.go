package mappings

import (
	"embed"
	"io/fs"
)

//go:embed lookups/*.yaml */in/*.yaml */out/*.yaml
var shipped embed.FS

// Shipped is the folder of mappings and lookup tables that come with minihub.
func Shipped() fs.FS { return shipped }
