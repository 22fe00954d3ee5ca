package sqlledger

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/minihub/minihub/pipelines/ledger"
)

// Store is an open ledger. It implements ledger.Ledger.
type Store struct {
	opts   Options
	log    *zap.Logger
	drv    driver
	t      *tables
	codec  *codec
	search *search
	now    func() time.Time
	name   string // of this store among all
	epoch  int64
	broken string // the guard a test took away

	// The writer goroutine's own.
	ids    ids
	waited *waited
	merges *merges
	chain  chain // the newest entry of the audit

	recordCache   *cache[int64, ledger.Record]
	deliveryCache *cache[int64, ledger.Delivery]
	linkCache     *cache[linkKey, ledger.Link]
	roots         *cache[int64, []int64] // ids of all deliveries of young roots
	blocks        *blockCache

	mu      sync.RWMutex // held for writing by Close alone
	closed  bool
	queue   chan *call
	writer  chan struct{} // closed when the writer has ended
	failure atomic.Pointer[error]
	free    diskWatch

	commits, units atomic.Int64
	lastFsync      time.Duration
}

// Open opens or makes the ledger at the URL and takes it for this process. It answers
// ledger.ErrOwned when another process has it.
func Open(ctx context.Context, o Options) (*Store, error) { return open(ctx, o, "") }

func open(ctx context.Context, o Options, broken string) (*Store, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Store{opts: o, log: o.Log, now: o.Now, broken: broken, t: newTables(), search: newSearch(o.Secret),
		waited: newWaited(), blocks: newBlockCache(o.CacheBytes), queue: make(chan *call, o.BatchUnits),
		writer: make(chan struct{}), recordCache: newCache[int64, ledger.Record](o.CacheRows),
		deliveryCache: newCache[int64, ledger.Delivery](o.CacheRows), linkCache: newCache[linkKey, ledger.Link](o.CacheRows),
		roots: newCache[int64, []int64](o.CacheRows)}
	if s.codec, err = newCodec(); err != nil {
		return nil, err
	}
	engine, rest, _ := strings.Cut(o.URL, ":")
	switch engine {
	case "sqlite":
		s.drv, s.epoch, err = openSQLite(ctx, rest, o)
	case "postgres", "postgresql":
		s.drv, s.epoch, err = openPostgres(ctx, o)
	default:
		return nil, fmt.Errorf(`ledger: URL begins with %q; "sqlite:" and "postgres:" are known`, engine)
	}
	if err != nil {
		return nil, err
	}
	s.free = diskWatch{measure: s.drv.free, floor: o.MinFree}
	if o.Free != nil {
		s.free.measure = o.Free
	}
	if err := s.load(ctx); err != nil {
		return nil, errors.Join(err, s.drv.close())
	}
	s.merges = newMerges(s)
	go s.run()
	s.merges.start()
	return s, nil
}

// load reads what the store keeps in memory, now that it is ours.
func (s *Store) load(ctx context.Context) error {
	if err := s.checkMeta(ctx); err != nil {
		return err
	}
	if err := s.ids.load(ctx, s.drv, s.epoch); err != nil {
		return err
	}
	if err := s.search.load(ctx, s.drv); err != nil {
		return err
	}
	if err := s.loadChain(ctx); err != nil {
		return err
	}
	err := s.drv.query(ctx, "SELECT kind, key FROM dep", nil, func(r row) error {
		s.waited.count(target{ledger.DepKind(r.Text(0)), r.Text(1)}, 1)
		return nil
	})
	if err != nil {
		return fmt.Errorf("ledger: read the dependencies: %w", err)
	}
	start := time.Now()
	if err := s.drv.probe(ctx); err != nil {
		return fmt.Errorf("ledger: a first write failed: %w", err)
	}
	s.lastFsync = time.Since(start)
	s.log.Info("ledger open", zap.String("engine", s.drv.engine()), zap.Int64("epoch", s.epoch),
		zap.Duration("fsync", s.lastFsync))
	return nil
}

// Close writes what is queued, gives the store up and closes it.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.queue)
	s.mu.Unlock()
	s.merges.close()
	<-s.writer
	s.codec.close()
	return s.drv.close()
}

// Stats says how the store does.
func (s *Store) Stats(ctx context.Context) (ledger.Stats, error) {
	bytes, wal, err := s.drv.sizes(ctx)
	if err != nil {
		return ledger.Stats{}, fmt.Errorf("ledger: sizes: %w", err)
	}
	return ledger.Stats{Engine: s.drv.engine(), Schema: latestSchema(), Bytes: bytes, WAL: wal, Commits: s.commits.Load(),
		Units: s.units.Load(), LastFsync: s.lastFsync}, nil
}

// ids are the next ids; only the writer takes them. They rise and are never used twice.
type ids struct {
	doc, record, delivery, hint, block, history, run, report, edit, attempt, tail, gen counter
}

type counter int64

func (c *counter) next() int64 {
	*c++
	return int64(*c)
}

func (i *ids) load(ctx context.Context, drv driver, epoch int64) error {
	for table, c := range map[string]*counter{"skey_tail": &i.tail, "doc": &i.doc, "record": &i.record, "delivery": &i.delivery, "hint": &i.hint,
		"blk": &i.block, "lookup_history": &i.history, "job_run": &i.run, "report": &i.report, "edit": &i.edit} {
		err := drv.query(ctx, "SELECT COALESCE(max(id), 0) FROM "+table, nil, func(r row) error {
			*c = counter(r.Int(0))
			return nil
		})
		if err != nil {
			return fmt.Errorf("ledger: read the last id of %s: %w", table, err)
		}
	}
	var err error
	if i.gen, err = nextGeneration(ctx, drv); err != nil {
		return err
	}
	// Retain may have dropped the newest block, and rows still point at it.
	floor, err := readMeta(ctx, drv, metaBlock)
	if err != nil {
		return err
	}
	i.block = max(i.block, counter(deliveryOf(floor)))
	// Attempts are clustered by delivery, so their highest id is not to be had: the epoch
	// is its upper half.
	i.attempt = counter(epoch << 32)
	return nil
}
