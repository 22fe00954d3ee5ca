package config

// describedKinds are the kinds of files in connectors/, by the word under `kind:`.
var describedKinds = map[string]describedKind{}
