package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/cmd/minihub/internal/config"
	"github.com/minihub/minihub/cmd/minihub/internal/mapweb"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/craft"
	"github.com/minihub/minihub/mappings/mapper"
	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/sqlledger"
)

// diffPage is how many records a worker takes at a time.
const diffPage = 2048

func (r *root) mapDiffCommand() *cobra.Command {
	var opt diffOptions
	cmd := &cobra.Command{
		Use:   "diff MAPPING.yaml",
		Short: "Show what a changed mapping would change in the stored messages",
		Long: "Maps the messages of the store with the changed mapping and with the version that is deployed, and groups what differs by\n" +
			"target field. Works beside a running hub and changes nothing. The deployed version is the one of\n" +
			"the revision in force, which the store keeps; of a store without revisions it is looked for in the directory's git commits,\n" +
			"the directory, and what minihub ships. --base names another.\n" +
			"Values in samples are masked as the target's schema says.\n\n" +
			"Exit codes: 0 compared, 1 messages that mapped before would fail, 2 your input, 3 the store cannot be read.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.mapDiff(cmd.Context(), args[0], opt)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opt.against, "against", "30d", "how far back: 30d, 12h, 2w")
	f.StringVar(&opt.base, "base", "", "the version to compare with")
	f.StringVar(&opt.as, "as", "", "the mapping that this file replaces, such as acme/in/order.yaml")
	f.Int64Var(&opt.sample, "sample", 0, "only about this many messages, evenly spread")
	return cmd
}

type diffOptions struct {
	against, base, as string
	sample            int64
}

func (r *root) mapDiff(ctx context.Context, file string, opt diffOptions) error {
	age, err := parseAge(opt.against)
	if err != nil || opt.sample < 0 {
		return r.bad(text.BadAge, opt.against)
	}
	src, err := r.readFile(file)
	if err != nil {
		return err
	}
	workers := runtime.GOMAXPROCS(0)
	s, err := r.stored(ctx, workers)
	if err != nil {
		return err
	}
	d := &mapDiff{r: r, s: s, ctx: ctx, since: time.Now().Add(-age), workers: workers}
	if err := errors.Join(d.prepare(file, src, opt), s.close()); d.pair.New == nil || err != nil {
		return err
	}
	return d.print()
}

// mapDiff is one comparison over the store.
type mapDiff struct {
	r       *root
	s       *stored
	ctx     context.Context
	since   time.Time
	workers int

	file    string
	base    *base
	pair    craft.Pair
	uses    map[string][]use // by connection.stream
	tally   *craft.Tally
	span    sqlledger.Span
	every   int64
	started time.Time

	scanned   atomic.Int64 // ids passed
	seen      atomic.Int64 // records of the mapping's streams
	gone      atomic.Int64 // whose payload was dropped by retention
	torn      atomic.Int64 // that cannot be decoded, or have no canonical document
	elsewhere atomic.Int64 // that the flow does not send there
}

// prepare finds out what is compared with what, and compares.
func (d *mapDiff) prepare(file string, src []byte, opt diffOptions) error {
	r, s := d.r, d.s
	name := strings.TrimPrefix(opt.as, "mappings/")
	if name == "" {
		name = (&workshop{dir: r.dir}).name(file)
	}
	found := s.uses(name)
	if len(found) == 0 {
		hint := strings.Join(s.used(), ", ")
		if n := mapper.Nearest(name, s.used()); n != "" {
			hint = n
		}
		return r.bad(text.NoFlowUses, name, hint)
	}
	program, err := mapper.Compile(file, src, mapper.Options{Shapes: config.Shape(s.dep.Schemas), Lookups: s.tables})
	if err != nil {
		return err
	}
	d.file, d.uses = file, map[string][]use{}
	for _, u := range found {
		for _, source := range u.flow.Sources {
			at := source.Connection + "." + source.Stream
			if len(d.uses[at]) > 0 && u.step == nil {
				continue // one canonical document, however many flows take it
			}
			if d.uses[at] == nil {
				if err := s.openDecoder(d.ctx, source.Connection); err != nil {
					fmt.Fprintln(r.std.Err, r.texts.Say(text.Warning, err))
				}
			}
			d.uses[at] = append(d.uses[at], u)
		}
	}
	deployed, err := d.deployed(found[0])
	if err != nil {
		return &app.StoreError{Err: err}
	}
	if d.base, err = r.base(d.ctx, s, name, file, opt.base, deployed); err != nil {
		return err
	}
	pair := craft.Pair{Old: d.base.Program, New: program}
	if schema, ok := s.dep.Schemas.Get(program.Output()); ok {
		checks := mapweb.SchemasOf(s.dep.Schemas)
		pair.Mask = schema.Mask
		pair.Validate = func(doc any) []mappings.Violation { return checks.Validate(program.Output(), doc) }
	}
	d.pair = pair
	if err := d.window(opt.sample); err != nil {
		return &app.StoreError{Err: err}
	}
	if err := d.run(); err != nil {
		if d.ctx.Err() != nil {
			return d.ctx.Err()
		}
		return &app.StoreError{Err: err}
	}
	return nil
}

// deployed is the version of the mapping that the newest delivery used: a delivery keeps
// "canonical/target@revision".
func (d *mapDiff) deployed(u use) (string, error) {
	steps := u.flow.Steps
	if u.step != nil {
		steps = append(steps[:0:0], u.step)
	}
	for _, step := range steps {
		v, err := d.s.reader.MapVersion(d.ctx, u.flow.Name, step.Name)
		if err != nil {
			return "", err
		}
		v, _, _ = strings.Cut(v, "@") // the revision
		canonical, target, both := strings.Cut(v, "/")
		switch {
		case !both:
		case u.step == nil:
			return canonical, nil
		default:
			return target, nil
		}
	}
	return "", nil
}

// window finds the records, and how many of them are left out for a sample.
func (d *mapDiff) window(sample int64) (err error) {
	d.every = 1
	if d.span, err = d.s.reader.Since(d.ctx, d.since); err != nil || sample == 0 {
		return err
	}
	by, all, err := d.s.reader.Counted(d.ctx)
	if err != nil || all == 0 {
		return err
	}
	mine := int64(0)
	for at := range d.uses {
		mine += by[at]
	}
	share := float64(mine) / float64(all)
	d.every = max(1, int64(float64(d.span.Records())*share/float64(sample)))
	return nil
}

// run compares on all cores; each worker reads and maps pages of its own.
func (d *mapDiff) run() error {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // short-lived garbage, for a moment
	d.started = time.Now()
	d.tally = craft.NewTally()
	ctx, cancel := context.WithCancel(d.ctx)
	defer cancel()
	finished := d.progress(ctx)
	var next atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	var failed error
	for range d.workers {
		wg.Go(func() {
			mine := craft.NewTally()
			var err error
			for err == nil {
				from := d.span.From + (next.Add(1)-1)*diffPage
				if from > d.span.To {
					break
				}
				page := sqlledger.Span{From: from, To: min(from+diffPage-1, d.span.To)}
				err = d.page(ctx, page, mine)
				d.scanned.Add(page.Records())
			}
			mu.Lock()
			defer mu.Unlock()
			d.tally.Add(mine)
			if err != nil && failed == nil {
				failed = err
				cancel()
			}
		})
	}
	wg.Wait()
	cancel()
	<-finished
	return failed
}

func (d *mapDiff) page(ctx context.Context, page sqlledger.Span, t *craft.Tally) error {
	var recs []ledger.Record
	err := d.s.reader.Page(ctx, page, d.since, d.every, func(rec ledger.Record) error {
		if !rec.Deleted && d.uses[rec.DocKey.Connection+"."+rec.Stream] != nil {
			recs = append(recs, rec)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range recs {
		if err := d.compare(ctx, &recs[i], t); err != nil {
			return err
		}
	}
	return nil
}

// compare decodes one record once and maps it with both versions.
func (d *mapDiff) compare(ctx context.Context, rec *ledger.Record, t *craft.Tally) error {
	d.seen.Add(1)
	if rec.Payload == (ledger.Ref{}) {
		d.gone.Add(1)
		return nil
	}
	body, err := d.s.reader.Payload(ctx, rec.Payload)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		d.gone.Add(1)
		return nil
	case err != nil:
		return err
	}
	tree, err := d.s.tree(rec, body)
	if err != nil {
		d.torn.Add(1)
		return nil
	}
	mc := d.s.context(rec)
	for _, u := range d.uses[rec.DocKey.Connection+"."+rec.Stream] {
		if u.step == nil {
			d.pair.Compare(t, rec.ID, tree, mc)
			continue
		}
		doc, err := mapSafely(u.flow.Canonical, tree, mc)
		if err != nil {
			d.torn.Add(1)
			continue
		}
		if !holds(u.flow.When, doc, mc) || !holds(u.step.When, doc, mc) {
			d.elsewhere.Add(1)
			continue
		}
		target, err := d.s.targetContext(ctx, rec, u.flow, u.step, doc, nil)
		var es *mapper.RunErrors
		switch {
		case errors.As(err, &es):
			d.elsewhere.Add(1) // without a key it goes nowhere
			continue
		case err != nil:
			return err
		}
		d.pair.Compare(t, rec.ID, doc, target)
	}
	return nil
}

// mapSafely turns a panic of the mapping engine into an error.
func mapSafely(p *mapper.Program, in any, ctx mapper.Context) (out any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the mapping %s broke", p.Name())
		}
	}()
	return p.Run(in, ctx)
}

// holds says whether a condition lets a document through; one that cannot be computed
// does not.
func holds(c *mapper.Condition, doc any, ctx mapper.Context) bool {
	if c == nil {
		return true
	}
	ok, err := c.Eval(doc, ctx)
	return err == nil && ok
}

// parseAge reads 30d, 2w, or a duration of the Go language such as 12h30m.
func parseAge(s string) (time.Duration, error) {
	for suffix, unit := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if n, found := strings.CutSuffix(s, suffix); found {
			days, err := strconv.ParseUint(n, 10, 15)
			return time.Duration(days) * unit, err
		}
	}
	d, err := time.ParseDuration(s)
	if err == nil && d <= 0 {
		err = errors.New("it must be longer than nothing")
	}
	return d, err
}
