package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/cmd/minihub/internal/config"
	"github.com/minihub/minihub/cmd/minihub/internal/plan"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

// keptCommits is how many commits of a mapping are searched for the deployed version.
const keptCommits = 50

// base is the version that a changed mapping is compared with.
type base struct {
	Program  *mapper.Program `json:"-"`
	Version  string          `json:"version"`
	From     string          `json:"from"`     // where its text comes from: a file, a commit, shipped
	Deployed string          `json:"deployed"` // the version that the newest delivery used; empty when none is stored
	Exact    bool            `json:"exact"`    // it is the deployed one

	given bool // by the caller
}

// base finds the version to compare with: the file given; else the one of the revision
// in force, whose files the store keeps. A store from before revisions keeps only the
// version of the mapping of every delivery, a hash of its text: the text is looked for in
// the directory's commits, the directory and what the binary ships, and when none of them
// has that version, the first of them is taken and said.
func (r *root) base(ctx context.Context, s *stored, name, file, given, deployed string) (*base, error) {
	opt := mapper.Options{Shapes: config.Shape(s.dep.Schemas), Lookups: s.tables}
	deployed, _, _ = strings.Cut(deployed, "@")
	if given != "" {
		src, err := r.readFile(given)
		if err != nil {
			return nil, err
		}
		p, err := mapper.Compile(given, src, opt)
		if err != nil {
			return nil, err
		}
		return &base{Program: p, Version: p.Version(), From: given, Deployed: deployed, Exact: p.Version() == deployed, given: true}, nil
	}
	src, number, err := s.inForce(ctx, name)
	if err != nil {
		return nil, &app.StoreError{Err: err}
	}
	if src != nil {
		p, err := mapper.Compile("mappings/"+name, src, opt)
		if err != nil {
			return nil, inputError{errors.New(r.texts.Say(text.BaseMisfit, number, err))}
		}
		return &base{Program: p, Version: p.Version(), From: r.texts.Say(text.FromRevision, number), Deployed: p.Version(), Exact: true}, nil
	}
	var first *base
	for _, c := range r.candidates(ctx, name, file) {
		p, err := mapper.Compile("mappings/"+name, c.src, opt)
		if err != nil {
			continue // an older version that does not fit today's schemas
		}
		b := &base{Program: p, Version: p.Version(), From: c.from, Deployed: deployed, Exact: deployed != "" && p.Version() == deployed}
		if first == nil {
			first = b
		}
		if b.Exact {
			return b, nil
		}
	}
	if first == nil {
		return nil, r.bad(text.NoBase, name)
	}
	return first, nil
}

// inForce is a mapping's text in the revision in force and that one's number; nil where
// the store keeps no revisions, or that one has no such file and the binary none either.
func (s *stored) inForce(ctx context.Context, name string) (src []byte, number int64, err error) {
	e, err := plan.Latest(ctx, readOnly{s.reader})
	if err != nil || e == nil {
		return nil, 0, err
	}
	snap, err := e.Base.Snapshot(ctx, readOnly{s.reader})
	if err != nil {
		return nil, 0, err
	}
	if src, ok := snap.File("mappings/" + name); ok {
		return src, e.Base.Number, nil
	}
	src, err = fs.ReadFile(mappings.Shipped(), name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	return src, e.Base.Number, err
}

// readOnly is the history of a store that is only read.
type readOnly struct{ *sqlledger.Reader }

func (readOnly) PutReport(context.Context, string, time.Time, []byte) (int64, error) {
	return 0, errors.New("the store was opened for reading")
}

type candidate struct {
	src  []byte
	from string
}

// candidates are the texts a mapping had, the newest first.
func (r *root) candidates(ctx context.Context, name, file string) (out []candidate) {
	place := filepath.Join(r.dir, "mappings", filepath.FromSlash(name))
	for _, c := range commits(ctx, place) {
		if src := committed(ctx, place, c); src != nil {
			out = append(out, candidate{src, r.texts.Say(text.FromCommit, c[:min(10, len(c))])})
		}
	}
	if abs(file) != abs(place) {
		if src, err := os.ReadFile(place); err == nil {
			out = append(out, candidate{src, place})
		}
	}
	if src, err := fs.ReadFile(mappings.Shipped(), name); err == nil {
		out = append(out, candidate{src, r.texts.Say(text.FromShipped)})
	}
	return out
}

// commits lists the commits that changed a file, the newest first; none where there is
// no git or no repository.
func commits(ctx context.Context, file string) []string {
	out, err := git(ctx, filepath.Dir(file), "log", "--format=%H", "-n", "50", "--", filepath.Base(file))
	if err != nil {
		return nil
	}
	list := strings.Fields(string(out))
	return list[:min(len(list), keptCommits)]
}

func committed(ctx context.Context, file, commit string) []byte {
	out, err := git(ctx, filepath.Dir(file), "show", commit+":./"+filepath.Base(file))
	if err != nil {
		return nil // the commit that removed it
	}
	return out
}

func git(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0", "GIT_PAGER=cat")
	return cmd.Output()
}
