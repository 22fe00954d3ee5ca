package config

import (
	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/external"
	"github.com/minihub/minihub/connectors/filedrop"
	"github.com/minihub/minihub/connectors/manifest"
	"github.com/minihub/minihub/connectors/sqldb"
	"github.com/minihub/minihub/mappings/mapper"
)

// describedKinds are the kinds of files in connectors/, by the word under `kind:`.
var describedKinds = map[string]describedKind{
	"http": func(_, name string, src []byte) (*connectors.Connector, mapper.Problems) {
		c, problems := manifest.Load(name+".yaml", src)
		return c, places(problems, func(p manifest.Problem) mapper.Problem {
			return mapper.Problem{Line: p.Line, Column: p.Column, Target: p.Path, Text: p.Text, Hint: p.Hint}
		})
	},
	"sql": func(_, name string, src []byte) (*connectors.Connector, mapper.Problems) {
		c, problems := sqldb.Load(name, src)
		return c, places(problems, func(p sqldb.Problem) mapper.Problem {
			return mapper.Problem{Line: p.Line, Column: p.Column, Target: p.Path, Text: p.Text, Hint: p.Hint}
		})
	},
	"file": func(_, name string, src []byte) (*connectors.Connector, mapper.Problems) {
		c, problems := filedrop.Load(name, src)
		return c, places(problems, func(p filedrop.Problem) mapper.Problem {
			return mapper.Problem{Line: p.Line, Column: p.Column, Target: p.Path, Text: p.Text, Hint: p.Hint}
		})
	},
	"program": func(dir, name string, src []byte) (*connectors.Connector, mapper.Problems) {
		c, problems := external.LoadIn(dir, name, src)
		return c, places(problems, func(p external.Problem) mapper.Problem {
			return mapper.Problem{Line: p.Line, Column: p.Column, Target: p.Path, Text: p.Text, Hint: p.Hint}
		})
	},
}

// places turns a loader's problems into those that `check` prints.
func places[P any](list []P, one func(P) mapper.Problem) mapper.Problems {
	var out mapper.Problems
	for _, p := range list {
		q := one(p)
		out = append(out, &q)
	}
	return out
}
