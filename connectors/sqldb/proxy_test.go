package sqldb

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minihub/minihub/connectors/simkit"
)

// proxy stands between a connection and its database and strikes where it is told to: at
// the statement that begins to read ("read") or at COMMIT of a writing transaction
// ("commit"). It knows just enough of both protocols to find those.
type proxy struct {
	driver string
	to     string
	faults *simkit.Faults
	lis    net.Listener
	wg     sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	over  bool
}

func startProxy(t testing.TB, srv *server, faults *simkit.Faults) *proxy {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{driver: srv.driver, to: srv.host, faults: faults, lis: lis, conns: map[net.Conn]bool{}}
	p.wg.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *proxy) addr() string { return p.lis.Addr().String() }

func (p *proxy) close() {
	p.lis.Close()
	p.mu.Lock()
	p.over = true
	for c := range p.conns {
		c.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

// keep remembers a connection, so that close ends it.
func (p *proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		c.Close()
		return false
	}
	p.conns[c] = true
	return true
}

func (p *proxy) accept() {
	for {
		client, err := p.lis.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.to)
		if err != nil {
			client.Close()
			return
		}
		if !p.keep(client) || !p.keep(server) {
			return
		}
		w := &wire{p: p, client: client, server: server, caught: make(chan []byte, 1)}
		p.wg.Go(w.answers)
		p.wg.Go(w.requests)
	}
}

// wire is one connection through the proxy.
type wire struct {
	p              *proxy
	client, server net.Conn
	mu             sync.Mutex
	catch          bool
	caught         chan []byte
}

func (w *wire) end() {
	w.client.Close()
	w.server.Close()
}

// answers carries what the server says, or hands it to a fault.
func (w *wire) answers() {
	defer w.end()
	buf := make([]byte, 64<<10)
	for {
		n, err := w.server.Read(buf)
		if err != nil {
			return
		}
		w.mu.Lock()
		catch := w.catch
		w.mu.Unlock()
		if catch {
			select {
			case w.caught <- append([]byte{}, buf[:n]...):
			default:
			}
			continue
		}
		if _, err := w.client.Write(buf[:n]); err != nil {
			return
		}
	}
}

// requests carries what the client says, message by message.
func (w *wire) requests() {
	defer w.end()
	r := bufio.NewReader(w.client)
	for first := true; ; first = false {
		msg, text, err := w.p.message(r, first)
		if err != nil {
			return
		}
		if !w.strike(callOf(text), msg) {
			return
		}
	}
}

func callOf(text string) string {
	switch {
	case text == "COMMIT":
		return "commit"
	case strings.HasPrefix(text, "START TRANSACTION READ ONLY"), strings.HasPrefix(text, "BEGIN") && strings.HasSuffix(text, "READ ONLY"):
		return "read"
	default:
		return ""
	}
}

// message reads one message and the statement in it.
func (p *proxy) message(r *bufio.Reader, first bool) (msg []byte, text string, err error) {
	size := 4
	if p.driver == driverPostgres && !first {
		size = 5
	}
	head, err := r.Peek(size)
	if err != nil {
		return nil, "", err
	}
	length := 0
	switch {
	case p.driver == driverMySQL:
		length = 4 + int(head[0]) + int(head[1])<<8 + int(head[2])<<16
	case first:
		length = int(binary.BigEndian.Uint32(head))
	default:
		length = 1 + int(binary.BigEndian.Uint32(head[1:]))
	}
	if length > 1<<24 {
		return nil, "", errors.New("an absurd length")
	}
	msg = make([]byte, length)
	if _, err := io.ReadFull(r, msg); err != nil {
		return nil, "", err
	}
	switch {
	case p.driver == driverMySQL && length > 5 && msg[3] == 0 && msg[4] == 3:
		text = string(msg[5:])
	case p.driver == driverPostgres && !first && msg[0] == 'Q':
		text = strings.TrimRight(string(msg[5:]), "\x00")
	}
	return msg, text, nil
}

// strike sends a message on, with the fault that hits it; false ends the connection.
func (w *wire) strike(call string, msg []byte) bool {
	hit := func(kind simkit.Kind) (simkit.Fault, bool) {
		if call == "" {
			return simkit.Fault{}, false
		}
		return w.p.faults.Hit(w.p.driver, call, kind)
	}
	page := []byte("<html><body>502 Bad Gateway</body></html>")
	if f, ok := hit(simkit.Delay); ok {
		// Until the client has enough.
		_ = w.client.SetReadDeadline(time.Now().Add(time.Duration(f.DelayMS) * time.Millisecond))
		_, _ = w.client.Read(make([]byte, 1))
		return false
	}
	if _, ok := hit(simkit.DropRequest); ok {
		return false
	}
	if _, ok := hit(simkit.Status); ok {
		_, _ = w.client.Write(page)
		return false
	}
	if _, ok := hit(simkit.RateLimit); ok {
		_, _ = w.client.Write(w.refusal(map[string]string{driverPostgres: "53300", driverMySQL: "1040"}[w.p.driver]))
		return false
	}
	if f, ok := hit(simkit.ErrorBody); ok {
		code := f.Code
		if code == "" {
			code = map[string]string{driverPostgres: "40001", driverMySQL: "1213"}[w.p.driver]
		}
		_, _ = w.client.Write(w.refusal(code))
		return false
	}
	for kind, answer := range map[simkit.Kind]func(b []byte) []byte{
		simkit.DropAnswer: func([]byte) []byte { return nil },
		simkit.BadGateway: func([]byte) []byte { return page },
		simkit.Garble:     func(b []byte) []byte { return b[:len(b)/2] },
	} {
		if _, ok := hit(kind); !ok {
			continue
		}
		w.mu.Lock()
		w.catch = true
		w.mu.Unlock()
		if _, err := w.server.Write(msg); err != nil {
			return false
		}
		select {
		case b := <-w.caught:
			_, _ = w.client.Write(answer(b))
		case <-time.After(5 * time.Second):
		}
		return false
	}
	_, err := w.server.Write(msg)
	return err == nil
}

// refusal is an error as the server words it.
func (w *wire) refusal(code string) []byte {
	if w.p.driver == driverMySQL {
		n, _ := strconv.Atoi(code)
		body := append([]byte{0xff, byte(n), byte(n >> 8)}, "#HY000invented"...)
		return append([]byte{byte(len(body)), 0, 0, 1}, body...)
	}
	body := []byte("SERROR\x00VERROR\x00C" + code + "\x00Minvented\x00\x00")
	out := binary.BigEndian.AppendUint32([]byte{'E'}, uint32(len(body)+4))
	return append(append(out, body...), 'Z', 0, 0, 0, 5, 'I')
}
