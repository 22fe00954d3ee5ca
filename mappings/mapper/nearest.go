package mapper

// Nearest answers the candidate a misspelt name was most likely meant to be,
// or "" when none is near; every part of the hub that reads YAML suggests
// with it.
func Nearest(name string, candidates []string) string { return nearest(name, candidates) }
