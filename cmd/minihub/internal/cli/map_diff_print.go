package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/craft"
)

// progress tells the error stream how far it is, in place on a terminal.
func (d *mapDiff) progress(ctx context.Context) <-chan struct{} {
	every, end := 5*time.Second, "\n"
	if f, is := d.r.std.Err.(*os.File); is {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			every, end = 200*time.Millisecond, "\r"
		}
	}
	say := func(end string) {
		took := time.Since(d.started)
		done, all := d.scanned.Load(), d.span.Records()
		share := int64(100)
		if all > 0 {
			share = done * 100 / all
		}
		fmt.Fprint(d.r.std.Err, d.r.texts.Say(text.DiffProgress, done, all, share, int64(float64(done)/max(took.Seconds(), 0.001)), took.Round(time.Millisecond)), end)
	}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				say(end)
			case <-ctx.Done():
				say("\n")
				return
			}
		}
	}()
	return finished
}

func (d *mapDiff) print() error {
	r, t := d.r, d.tally
	fields, fails := t.Fields(), t.Failures()
	if r.json {
		err := r.printJSON(map[string]any{"ok": t.Failing == 0, "mapping": d.file, "version": d.pair.New.Version(), "base": d.base, "since": d.since.UTC(),
			"every": d.every, "read": d.seen.Load(), "without_payload": d.gone.Load(), "unreadable": d.torn.Load(), "not_routed": d.elsewhere.Load(),
			"counts": t, "fields": fields, "failures": fails})
		return errors.Join(err, d.verdict())
	}
	r.say(text.DiffHead, d.file, d.pair.New.Version(), d.base.Version, d.base.From)
	switch {
	case d.base.Exact:
		r.say(text.DiffDeployed)
	case d.base.given:
	case d.base.Deployed != "":
		r.say(text.DiffNotKept, d.base.Deployed)
	default:
		r.say(text.DiffUnknown)
	}
	if d.every > 1 {
		r.say(text.DiffSampled, d.every)
	}
	if n := d.gone.Load(); n > 0 {
		r.say(text.DiffGone, n)
	}
	if n := d.torn.Load(); n > 0 {
		r.say(text.DiffTorn, n)
	}
	fmt.Fprintln(r.std.Out)
	if err := d.printFields(fields); err != nil {
		return err
	}
	if err := d.printFailures(fails); err != nil {
		return err
	}
	r.say(text.DiffEnd, t.Messages, t.Same, t.Changed, t.Failing, t.Mended, t.Other)
	return d.verdict()
}

func (d *mapDiff) verdict() error {
	if d.tally.Failing > 0 {
		return quiet(Failed)
	}
	return nil
}

func (d *mapDiff) printFields(fields []craft.FieldChange) error {
	if len(fields) == 0 {
		return nil
	}
	r := d.r
	var rows [][]string
	for _, f := range fields {
		for i, s := range f.Samples {
			row := []string{"", "", "", s.Before, s.After, id(s.Message)}
			switch f.Kind {
			case mappings.Missing:
				row[4] = r.texts.Say(text.NotThere)
			case mappings.Extra:
				row[3] = r.texts.Say(text.NotThere)
			case mappings.Length:
				row[3], row[4] = r.texts.Say(text.Items, s.Before), r.texts.Say(text.Items, s.After)
			}
			if i == 0 {
				row[0], row[1], row[2] = f.Path, r.texts.Help("change "+f.Kind, changes[f.Kind]), strconv.FormatInt(f.Messages, 10)
			} else if !r.verbose {
				break
			}
			rows = append(rows, row)
		}
	}
	if err := r.table([]string{"FIELD", "CHANGE", "MESSAGES", "BEFORE", "AFTER", "MESSAGE"}, rows); err != nil {
		return err
	}
	fmt.Fprintln(r.std.Out)
	return nil
}

var changes = map[string]string{mappings.Changed: "changes", mappings.Missing: "goes", mappings.Extra: "comes", mappings.Length: "length"}

func (d *mapDiff) printFailures(fails []craft.FailureChange) error {
	if len(fails) == 0 {
		return nil
	}
	var rows [][]string
	for _, f := range fails {
		at := ""
		if f.Line > 0 {
			at = fmt.Sprintf("%s:%d", d.file, f.Line)
		}
		rows = append(rows, []string{f.Target, f.Code, strconv.FormatInt(f.Messages, 10), f.Text, at, id(f.Samples[0])})
	}
	d.r.say(text.DiffWouldFail)
	if err := d.r.table([]string{"FIELD", "CODE", "MESSAGES", "WHY", "WHERE", "MESSAGE"}, rows); err != nil {
		return err
	}
	fmt.Fprintln(d.r.std.Out)
	return nil
}
