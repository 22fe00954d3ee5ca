package filedrop

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/minihub/minihub/connectors"
)

// maxShown bounds the content kept in an exchange.
const maxShown = 16 << 10

// Deliver writes the documents of a batch into one file, which appears whole or not at
// all. A document that is known to have been written is not written again.
func (c *connection) Deliver(ctx context.Context, operation string, batch []connectors.Delivery) ([]connectors.Result, error) {
	o := c.operations[operation]
	if o == nil {
		return nil, unknownName("operation", operation)
	}
	if dry := connectors.DryRunOf(ctx); dry != nil {
		return c.rehearse(ctx, dry, o, batch), nil
	}
	w := &writing{c: c, o: o, j: journal{c.place, o.Journal, o.Name}, results: make([]connectors.Result, 0, len(batch))}
	if err := w.prepare(ctx); err != nil {
		return nil, placeError("the folder "+o.Folder+" cannot be used", err, false)
	}
	known := make([]knowledge, len(batch))
	together(len(batch), func(i int) {
		began := c.now()
		k := &known[i]
		k.entry, k.standing, k.err = w.j.settle(ctx, batch[i].Key)
		k.took = c.now().Sub(began)
	})
	for i, d := range batch {
		w.take(ctx, d, known[i])
	}
	if len(w.docs) > 0 {
		w.write(ctx)
	}
	c.sweep(ctx, w.j, o)
	return w.results, nil
}

// DryRuns implements connectors.DryRunner.
func (c *connection) DryRuns() {}

// rehearse keeps the file that a document would be written into. Nothing is looked up: a
// document that was written before is not written again, whatever this shows.
func (c *connection) rehearse(ctx context.Context, dry *connectors.DryRun, o *operationSpec, batch []connectors.Delivery) []connectors.Result {
	w := &writing{c: c, o: o, results: make([]connectors.Result, 0, len(batch))}
	for _, d := range batch {
		w.take(ctx, d, knowledge{})
	}
	if len(w.docs) == 0 {
		return w.results
	}
	now := c.now()
	name := w.name(now)
	content, err := o.content(w.text)
	if err != nil {
		w.end(name, nil, now, connectors.Refused, refused("", err.Error()))
		return w.results
	}
	x := w.exchange(name, content, now)
	w.end(name, content, now, connectors.NotSent, dry.Pass(ctx, x, false))
	return w.results
}

// atOnce is how many small files are read or written at the same time: over SFTP each
// costs several round trips, on a disk a flush.
const atOnce = 16

// together calls f for 0 to n-1.
func together(n int, f func(i int)) {
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i := range n {
		g.Go(func() error {
			f(i)
			return nil
		})
	}
	_ = g.Wait() // f keeps its own errors
}

// knowledge is what the journal says about a delivery.
type knowledge struct {
	entry    journalEntry
	standing standing
	err      error
	took     time.Duration
}

// writing is one call of Deliver.
type writing struct {
	c       *connection
	o       *operationSpec
	j       journal
	results []connectors.Result
	docs    []connectors.Delivery // to be written
	text    []string
}

func (w *writing) prepare(ctx context.Context) error {
	if _, err := w.c.place.stat(ctx, w.o.Folder); err != nil {
		return err // a folder that is not there is a mistake in the description, not one to make
	}
	return w.j.prepare(ctx)
}

// take decides what is to be done with one document.
func (w *writing) take(ctx context.Context, d connectors.Delivery, k knowledge) {
	text, bad := w.o.render(d.Document)
	if bad != nil {
		w.results = append(w.results, connectors.Result{ID: d.ID, Outcome: connectors.Refused, Err: bad})
		return
	}
	e := k.entry
	switch {
	case k.err != nil:
		w.results = append(w.results, connectors.Result{ID: d.ID, Outcome: connectors.NotSent, Err: placeError("the journal cannot be read", k.err, false)})
	case k.standing == written && e.Digest == digest(d.Document):
		err := w.mark(ctx, e.File)
		if err != nil {
			w.results = append(w.results, connectors.Result{ID: d.ID, Outcome: connectors.Unknown, Err: placeError("the marker cannot be written", err, true)})
			return
		}
		w.results = append(w.results, connectors.Result{ID: d.ID, Outcome: connectors.Done, RemoteIDs: remoteIDs(e.File),
			Exchanges: []connectors.Exchange{{Method: "STAT", URL: w.c.place.show(path.Join(w.o.Folder, e.File)), Response: "written before, " + e.At, Took: k.took}}})
	default:
		w.docs, w.text = append(w.docs, d), append(w.text, text)
	}
}

func remoteIDs(file string) []connectors.RemoteID {
	return []connectors.RemoteID{{Kind: "file", Value: file}}
}

// write makes the file: draft, journal, rename, marker.
func (w *writing) write(ctx context.Context) {
	began := w.c.now()
	name := w.name(began)
	content, err := w.o.content(w.text)
	if err != nil {
		w.end(name, nil, began, connectors.Refused, refused("", err.Error()))
		return
	}
	draft := newDraft(began)
	from, to := path.Join(w.j.drafts(), draft), path.Join(w.o.Folder, name)
	if err := w.c.place.write(ctx, from, bytes.NewReader(content)); err != nil {
		w.end(name, content, began, connectors.NotSent, placeError("the file cannot be written", err, false))
		return
	}
	errs := make([]error, len(w.docs))
	together(len(w.docs), func(i int) {
		d := w.docs[i]
		errs[i] = w.j.note(ctx, d.Key, journalEntry{Digest: digest(d.Document), File: name, Draft: draft, At: began.UTC().Format(time.RFC3339)})
	})
	if err := errors.Join(errs...); err != nil {
		w.end(name, content, began, connectors.NotSent, placeError("the journal cannot be written", err, false))
		return
	}
	if err := w.c.place.rename(ctx, from, to); err != nil {
		w.renamed(name, content, began, err)
		return
	}
	if err := w.mark(ctx, name); err != nil {
		w.end(name, content, began, connectors.Unknown, placeError("the file is there, its marker is not", err, true))
		return
	}
	w.end(name, content, began, connectors.Done, nil)
}

// renamed says what a failed rename means: an answer of the place is sure, a lost
// connection is not.
func (w *writing) renamed(name string, content []byte, began time.Time, err error) {
	sure := errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist)
	out := connectors.Unknown
	if sure {
		out = connectors.NotSent
	}
	w.end(name, content, began, out, placeError("the file cannot be put in place", err, !sure))
}

// end gives every document of the file the same result.
func (w *writing) end(name string, content []byte, began time.Time, out connectors.Outcome, err *connectors.Error) {
	x := w.exchange(name, content, began)
	if err != nil {
		x.Err = err.Error()
	}
	for _, d := range w.docs {
		r := connectors.Result{ID: d.ID, Outcome: out, Err: err, Exchanges: []connectors.Exchange{x}}
		if out == connectors.Done {
			r.RemoteIDs = remoteIDs(name)
		}
		w.results = append(w.results, r)
	}
}

func (w *writing) exchange(name string, content []byte, began time.Time) connectors.Exchange {
	text, _ := w.o.Charset.decode(content)
	return connectors.Exchange{Method: "PUT", URL: w.c.place.show(path.Join(w.o.Folder, name)), Request: text[:min(len(text), maxShown)], Took: w.c.now().Sub(began)}
}

// mark puts the marker beside a file that is still there.
func (w *writing) mark(ctx context.Context, name string) error {
	if w.o.Marker == "" {
		return nil
	}
	if there, err := w.j.exists(ctx, path.Join(w.o.Folder, name)); err != nil || !there {
		return err
	}
	return w.c.place.write(ctx, path.Join(w.o.Folder, name+w.o.Marker), bytes.NewReader(nil))
}

var unfit = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// name fills the template in. A key that does not fit into a name gets a piece of its
// hash, so that no two keys share one.
func (w *writing) name(now time.Time) string {
	h := sha256.New()
	for _, d := range w.docs {
		_, _ = fmt.Fprintf(h, "%d:%s %s\n", len(d.Key), d.Key, digest(d.Document))
	}
	key := w.docs[0].Key
	if safe := strings.TrimLeft(unfit.ReplaceAllString(key, "_"), "."); safe != key || len(key) > 100 {
		sum := sha256.Sum256([]byte(key))
		key = safe[:min(len(safe), 80)] + "-" + hex.EncodeToString(sum[:6])
	}
	at := now.In(w.o.Zone)
	return strings.NewReplacer("{id}", hex.EncodeToString(h.Sum(nil)[:8]), "{key}", key, "{operation}", w.o.Name,
		"{date}", at.Format("20060102"), "{time}", at.Format("150405")).Replace(w.o.File)
}

// sweep clears a small part of the journal; a failure costs nothing but room.
func (c *connection) sweep(ctx context.Context, j journal, o *operationSpec) {
	c.mu.Lock()
	bucket := c.swept[o.Name]
	c.swept[o.Name] = (bucket + 1) % 256
	c.mu.Unlock()
	if err := j.sweep(ctx, bucket, o.Keep, c.now()); err != nil {
		c.log.Warn("journal not cleared", zap.String("operation", o.Name), zap.Error(err))
	}
}

// Lookup tells from the journal what became of a write.
func (c *connection) Lookup(ctx context.Context, operation string, batch []connectors.Delivery) ([]connectors.Finding, error) {
	o := c.operations[operation]
	if o == nil {
		return nil, unknownName("operation", operation)
	}
	j := journal{c.place, o.Journal, o.Name}
	out := make([]connectors.Finding, 0, len(batch))
	for _, d := range batch {
		began := c.now()
		e, st, err := j.look(ctx, d.Key)
		f := connectors.Finding{ID: d.ID}
		x := connectors.Exchange{Method: "STAT", URL: c.place.show(j.at(d.Key)), Took: c.now().Sub(began)}
		switch {
		case err != nil:
			f.Err = placeError("the journal cannot be read", err, false)
			x.Err = f.Err.Error()
		case st == unwritten:
			f.Presence, x.Response = connectors.Absent, "no file was written"
		case st == drafted:
			f.Err = &connectors.Error{Kind: connectors.Conflict, Scope: connectors.OfDocument, Code: "file.draft", Text: "the write was begun and not ended"}
			x.Response = "begun, not ended"
		default:
			f.Presence, f.RemoteIDs, x.Response = connectors.Same, remoteIDs(e.File), "written to "+e.File+", "+e.At
			if e.Digest != digest(d.Document) {
				f.Presence, f.Fields = connectors.Other, []string{""}
			}
		}
		f.Exchanges = []connectors.Exchange{x}
		out = append(out, f)
	}
	return out, nil
}
