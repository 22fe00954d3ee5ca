package sqlledger

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/minihub/minihub/pipelines/ledger"
)

// metaAudit notes the newest entry of the audit, so that one cut off at its end is seen.
const metaAudit = "audit"

// chain is the newest entry of the audit.
type chain struct {
	id   int64
	hash ledger.Sum
}

func (c chain) String() string { return fmt.Sprintf("%d:%x", c.id, c.hash) }

func (s *Store) loadChain(ctx context.Context) error {
	return s.drv.query(ctx, "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1", nil, func(r row) error {
		s.chain = chain{r.Int(0), sumOf(r.Blob(1))}
		return nil
	})
}

func prepareAudit(u *ledger.AddAudit) (op, error) {
	e := &u.Entry
	c := &checker{what: "audit entry"}
	for field, v := range map[string]string{"who": e.Who, "act": e.Act, "target": e.Target} {
		c.key(field, v)
	}
	for field, v := range map[string]string{"why": e.Why, "from": e.From, "phase": e.Phase, "code": e.Code} {
		c.text(field, v)
	}
	c.texts(e.Detail)
	return &direct{ask: func(w *work) { w.meta.want(metaAudit) }, do: func(w *work) {
		if u.When == nil || *u.When {
			addAudit(w, e)
		}
	}}, c.err
}

func addAudit(w *work, e *ledger.AuditEntry) {
	d := w.desk()
	e.ID, e.At = d.chain.id+1, w.now
	body, err := e.Canonical()
	if err != nil {
		w.err = fmt.Errorf("audit entry: %w", err)
		return
	}
	d.chain = chain{e.ID, ledger.ChainHash(d.chain.hash, body)}
	d.chained = true
	d.audit.add(e.ID, ledger.AuditRow{ID: e.ID, At: e.At, Who: e.Who, Act: e.Act, Target: e.Target, Body: body, Hash: d.chain.hash})
	if w.meta.get(metaAudit) == nil {
		w.meta.add(metaAudit, d.chain.String())
	} else {
		*w.meta.edit(metaAudit) = d.chain.String()
	}
}

// Audit returns entries, newest first or rising; see ledger.AuditFilter.
func (s *Store) Audit(ctx context.Context, f ledger.AuditFilter) ([]ledger.AuditRow, error) {
	var conds []string
	var args []any
	add := func(cond string, arg any) {
		conds = append(conds, cond)
		args = append(args, arg)
	}
	for column, v := range map[string]string{"who": f.Who, "act": f.Act, "target": f.Target} {
		if v != "" {
			add("t."+column+" = ?", v)
		}
	}
	if !f.From.IsZero() {
		add("t.at >= ?", micros(f.From))
	}
	if !f.To.IsZero() {
		add("t.at < ?", micros(f.To))
	}
	order := "DESC"
	switch {
	case f.Rising:
		order = "ASC"
		add("t.id > ?", f.After)
	case f.Before > 0:
		add("t.id < ?", f.Before)
	}
	tail := ""
	if len(conds) > 0 {
		tail = "WHERE " + strings.Join(conds, " AND ") + " "
	}
	return selects(ctx, s, s.t.people.audit, "audit", tail+"ORDER BY t.id "+order+" LIMIT ?", append(args, limitOf(f.Limit))...)
}

// AuditHead returns the newest entry as meta notes it.
func (s *Store) AuditHead(ctx context.Context) (int64, ledger.Sum, error) {
	var sum ledger.Sum
	v, err := readMeta(ctx, s.drv, metaAudit)
	if err != nil || v == "" {
		return 0, sum, err
	}
	number, hash, _ := strings.Cut(v, ":")
	id, err := strconv.ParseInt(number, 10, 64)
	b, bad := hex.DecodeString(hash)
	if err != nil || bad != nil || len(b) != len(sum) {
		return 0, sum, fmt.Errorf("ledger: meta says audit %q, which is no number and hash", v)
	}
	return id, sumOf(b), nil
}
