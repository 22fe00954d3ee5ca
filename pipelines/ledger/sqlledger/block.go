package sqlledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"

	"github.com/klauspost/compress/zstd"

	"github.com/minihub/minihub/pipelines/ledger"
)

// How many payloads, and about how many bytes of them, one block holds.
const (
	blockCount = 64
	blockBytes = 1 << 20
)

// codec compresses blocks; safe for concurrent use.
type codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newCodec() (*codec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)))
	if err != nil {
		return nil, fmt.Errorf("ledger: zstd: %w", err)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(runtime.GOMAXPROCS(0)))
	if err != nil {
		return nil, fmt.Errorf("ledger: zstd: %w", err)
	}
	return &codec{enc, dec}, nil
}

func (c *codec) close() {
	c.enc.Close()
	c.dec.Close()
}

// pack writes the number of payloads, their lengths, and the payloads, compressed.
func (c *codec) pack(parts [][]byte) []byte {
	size := binary.MaxVarintLen64
	for _, p := range parts {
		size += len(p) + binary.MaxVarintLen64
	}
	raw := binary.AppendUvarint(make([]byte, 0, size), uint64(len(parts)))
	for _, p := range parts {
		raw = binary.AppendUvarint(raw, uint64(len(p)))
	}
	for _, p := range parts {
		raw = append(raw, p...)
	}
	return c.enc.EncodeAll(raw, nil)
}

var errBlock = errors.New("ledger: a payload block is damaged")

func (c *codec) unpack(body []byte) ([][]byte, error) {
	raw, err := c.dec.DecodeAll(body, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBlock, err)
	}
	n, w := binary.Uvarint(raw)
	if w <= 0 || n > uint64(len(raw)) {
		return nil, errBlock
	}
	raw = raw[w:]
	sizes := make([]uint64, n)
	for i := range sizes {
		if sizes[i], w = binary.Uvarint(raw); w <= 0 {
			return nil, errBlock
		}
		raw = raw[w:]
	}
	parts := make([][]byte, n)
	for i, size := range sizes {
		if size > uint64(len(raw)) {
			return nil, errBlock
		}
		parts[i], raw = raw[:size:size], raw[size:]
	}
	return parts, nil
}

type blockKey struct{ connection, kind string }

type block struct {
	blockKey
	id    int64
	day   int64
	size  int
	parts [][]byte
	body  chan []byte // filled by the goroutine that compresses it
	done  []byte
}

// packer puts the payloads of a batch into blocks, and compresses full ones while the
// writer goes on.
type packer struct {
	s      *Store
	day    int64
	open   map[blockKey]*block
	blocks []*block
}

// put adds a payload; an empty one is none.
func (p *packer) put(connection, kind string, body []byte) ledger.Ref {
	if len(body) == 0 {
		return ledger.Ref{}
	}
	k := blockKey{connection, kind}
	b := p.open[k]
	if b == nil {
		if p.open == nil {
			p.open = map[blockKey]*block{}
		}
		b = &block{blockKey: k, id: p.s.ids.block.next(), day: p.day, body: make(chan []byte, 1)}
		p.open[k] = b
		p.blocks = append(p.blocks, b)
	}
	ref := ledger.Ref{Block: b.id, Index: len(b.parts)}
	b.parts = append(b.parts, body)
	b.size += len(body)
	if len(b.parts) == blockCount || b.size >= blockBytes {
		p.seal(b)
	}
	return ref
}

func (p *packer) seal(b *block) {
	delete(p.open, b.blockKey)
	go func() { b.body <- p.s.codec.pack(b.parts) }()
}

// start compresses what is left; finish waits for it.
func (p *packer) start() {
	for _, b := range p.open {
		p.seal(b)
	}
}

func (p *packer) finish() {
	p.start()
	for _, b := range p.blocks {
		b.done = <-b.body
	}
}

func (b *block) bind(to binder) {
	to.Int(b.id)
	to.Text(b.connection)
	to.Text(b.kind)
	to.Int(b.day)
	to.Int(int64(len(b.parts)))
	to.Blob(b.done)
}
