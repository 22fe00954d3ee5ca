package schemas

import (
	"maps"
	"slices"
	"strings"
)

// resolve follows the references of the file.
func (f *file) resolve(l *loader) {
	for _, pointer := range slices.Sorted(maps.Keys(f.nodes)) {
		n := f.nodes[pointer]
		if n.refPath == "" {
			continue
		}
		target, ok := l.files[n.refPath]
		if !ok {
			hint := "the schemas beside it are " + strings.Join(l.beside(n.refPath), ", ")
			l.add(f, pointer+"/$ref", "schema.ref", "$ref leads to "+n.refPath+", which does not exist", hint)
			continue
		}
		if n.ref, ok = target.nodes[n.refPointer]; !ok && target.root != nil {
			hint := "point to a schema, such as #/definitions/..."
			if near := nearest(n.refPointer, slices.Collect(maps.Keys(target.nodes))); near != "" {
				hint = "did you mean #" + near + "?"
			}
			l.add(f, pointer+"/$ref", "schema.ref", "$ref leads to #"+n.refPointer+", where "+target.path+" has no schema", hint)
		}
	}
}

// beside names the files in the folder of a path.
func (l *loader) beside(p string) (names []string) {
	folder := p[:strings.LastIndexByte(p, '/')+1]
	for _, name := range slices.Sorted(maps.Keys(l.files)) {
		if rest, ok := strings.CutPrefix(name, folder); ok {
			names = append(names, rest)
		}
	}
	return names
}

// refuseLoops finds schemas that lead back to themselves without stepping into
// the document: a validator would never come back from them.
func (l *loader) refuseLoops(names []string) {
	const (
		open = 1 + iota
		done
	)
	state := map[*node]int{}
	var visit func(n *node)
	visit = func(n *node) {
		state[n] = open
		for _, next := range append(n.inPlace(), n.silent...) {
			switch state[next] {
			case 0:
				visit(next)
			case open:
				l.add(n.file, n.pointer, "schema.loop", "the schema leads back to itself without stepping into a property or item", "refer to itself only below properties or items")
			}
		}
		state[n] = done
	}
	for _, name := range names {
		f := l.files[name]
		for _, pointer := range slices.Sorted(maps.Keys(f.nodes)) {
			if n := f.nodes[pointer]; state[n] == 0 {
				visit(n)
			}
		}
	}
}
