package external

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/minihub/minihub/connectors/external/wire"
)

// The bounds of a process.
const (
	endWithin   = 2 * time.Second // from the end of its input to its own end
	drainWithin = time.Second     // for what it wrote before it ended
	queueLength = 1024            // messages that wait for the program to read
	queueBytes  = 2 * wire.MaxMessage
	lineLimit   = 8 << 10 // of one line on standard error
)

// writeWithin is how long the program may take to read one message off its input.
var writeWithin = 10 * time.Second

var errQueue = errors.New("too much waits for the program to read")

// process is one run of a program, with the protocol on its standard streams.
type process struct {
	cmd    *exec.Cmd
	peer   *jsonrpc2.Conn
	stdin  *os.File
	stdout *os.File
	read   *wire.Reader
	queue  chan []byte
	queued atomic.Int64
	ended  chan struct{} // no more messages either way
	gone   chan struct{} // the process and all its goroutines have ended

	ending sync.Once
	mu     sync.Mutex
	reaped bool
	why    error // what ended it, if not itself
	exit   string
	died   time.Time // set before gone is closed
}

// start runs the command; said takes the lines of its standard error, until gone.
func start(s spec, h jsonrpc2.Handler, said func(line string)) (*process, error) {
	cmd, err := s.resolve()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, queue: make(chan []byte, queueLength), ended: make(chan struct{}), gone: make(chan struct{})}
	var files [6]*os.File
	for i := 0; i < len(files); i += 2 {
		if files[i], files[i+1], err = os.Pipe(); err != nil {
			closeAll(files[:i])
			return nil, fmt.Errorf("no pipe: %w", err)
		}
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = files[0], files[3], files[5]
	group(cmd)
	if err := cmd.Start(); err != nil {
		closeAll(files[:])
		return nil, err
	}
	closeAll([]*os.File{files[0], files[3], files[5]})
	p.stdin, p.stdout = files[1], files[2]
	p.read = wire.NewReader(p.stdout, wire.MaxMessage)
	var others sync.WaitGroup
	others.Go(p.write)
	others.Go(func() { lines(files[4], said) })
	// A stray answer is one that nobody waits for any more: passed over in silence.
	p.peer = jsonrpc2.NewConn(context.Background(), p, h, jsonrpc2.SetLogger(quiet{}))
	go func() {
		err := cmd.Wait()
		p.mu.Lock()
		p.reaped, p.exit, p.died = true, exitText(cmd, err), time.Now()
		p.mu.Unlock()
		// A child of the program may hold its streams open for ever.
		end := time.Now().Add(drainWithin)
		_ = p.stdout.SetReadDeadline(end)
		_ = files[4].SetReadDeadline(end)
		<-p.peer.DisconnectNotify()
		p.end(0, nil)
		others.Wait()
		_ = p.stdout.Close()
		_ = files[4].Close()
		close(p.gone)
	}()
	return p, nil
}

// quiet takes what the library would log: the end of a program is told by its reason.
type quiet struct{}

// Printf implements jsonrpc2.Logger.
func (quiet) Printf(string, ...any) {}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

func exitText(cmd *exec.Cmd, err error) string {
	if err == nil {
		return "it ended by itself"
	}
	if cmd.ProcessState != nil {
		return cmd.ProcessState.String()
	}
	return err.Error()
}

// end closes the program's input, waits for its end and kills it after the grace.
func (p *process) end(grace time.Duration, why error) {
	p.ending.Do(func() {
		p.mu.Lock()
		p.why = why
		p.mu.Unlock()
		close(p.ended)
		_ = p.stdin.Close()
		go func() {
			timer := time.NewTimer(grace)
			defer timer.Stop()
			select {
			case <-p.gone:
				return
			case <-timer.C:
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			if !p.reaped {
				kill(p.cmd)
			}
		}()
	})
}

// alive says whether calls may still be made.
func (p *process) alive() bool {
	select {
	case <-p.ended:
		return false
	case <-p.peer.DisconnectNotify():
		return false
	default:
		p.mu.Lock()
		defer p.mu.Unlock()
		return !p.reaped
	}
}

// reason says in words why it ended.
func (p *process) reason() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.why != nil:
		return p.why.Error()
	case p.exit != "":
		return p.exit
	default:
		return "it closed its output"
	}
}

// ReadObject implements jsonrpc2.ObjectStream.
func (p *process) ReadObject(v any) error {
	line, err := p.read.Next()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, os.ErrClosed):
		p.end(endWithin, nil)
		return io.EOF
	case err != nil:
		p.end(0, err)
		return err
	}
	if err := json.Unmarshal(line, v); err != nil {
		p.end(0, fmt.Errorf("a line on its standard output is no message of JSON-RPC 2.0: %w", err))
		return io.EOF
	}
	return nil
}

// WriteObject implements jsonrpc2.ObjectStream. It does not wait for the program.
func (p *process) WriteObject(v any) error {
	line, err := wire.Frame(v, wire.MaxMessage)
	if err != nil {
		return err
	}
	if p.queued.Add(int64(len(line))) > queueBytes {
		p.queued.Add(-int64(len(line)))
		return errQueue
	}
	select {
	case p.queue <- line:
		return nil
	case <-p.ended:
		p.queued.Add(-int64(len(line)))
		return io.ErrClosedPipe
	default:
		p.queued.Add(-int64(len(line)))
		return errQueue
	}
}

// Close implements jsonrpc2.ObjectStream.
func (p *process) Close() error {
	p.end(endWithin, nil)
	return nil
}

// write hands the messages to the program, each within its time.
func (p *process) write() {
	for {
		select {
		case <-p.ended:
			return
		case line := <-p.queue:
			_ = p.stdin.SetWriteDeadline(time.Now().Add(writeWithin))
			_, err := p.stdin.Write(line)
			p.queued.Add(-int64(len(line)))
			switch {
			case errors.Is(err, os.ErrDeadlineExceeded):
				p.end(0, errors.New("it did not read its standard input for "+writeWithin.String()))
				return
			case err != nil:
				p.end(endWithin, nil)
				return
			}
		}
	}
}

// lines hands over a stream's lines, each cut at its limit.
func lines(r io.Reader, say func(string)) {
	b := bufio.NewReaderSize(r, lineLimit)
	for {
		line, prefix, err := b.ReadLine()
		if line = bytes.TrimSpace(line); len(line) > 0 {
			say(string(bytes.ToValidUTF8(line, []byte("\uFFFD"))))
		}
		for prefix && err == nil { // the rest of a line that is too long
			_, prefix, err = b.ReadLine()
		}
		if err != nil {
			return
		}
	}
}
