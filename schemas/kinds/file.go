package kinds

import (
	"path"
	"strings"
)

// Folder is where a deployment keeps the schemas, below its directory.
const Folder = ".schemas"

// Of says which kind a file of a deployment is by its path below the directory, and "" for
// a file that is of none.
func Of(file string) string {
	if path.Ext(file) != ".yaml" {
		return ""
	}
	switch folder, _, below := strings.Cut(file, "/"); {
	case file == "hub.yaml":
		return Hub
	case file == "jobs.yaml":
		return Jobs
	case below:
		return map[string]string{"connections": Connection, "flows": Flow, "mappings": Mapping, "lookups": Lookup, "connectors": Connector}[folder]
	}
	return ""
}

// Modeline is the comment by which a file names its schema to an editor; "" for a file that
// is of no kind.
func Modeline(file string) string {
	kind := Of(file)
	if kind == "" {
		return ""
	}
	up := strings.Repeat("../", strings.Count(file, "/"))
	return "# yaml-language-server: $schema=" + up + Folder + "/" + kind + ".json\n"
}

// Settings are the settings by which Visual Studio Code's YAML extension finds the schemas
// without a line in each file: schema -> files.
func Settings(list []Schema) map[string]map[string][]string {
	of := map[string][]string{}
	for _, s := range list {
		of[Folder+"/"+s.File()] = s.Files
	}
	return map[string]map[string][]string{"yaml.schemas": of}
}
