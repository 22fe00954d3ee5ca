// Package porttest finds ports for tests that start a hub again at its old address.
package porttest

import (
	"math/rand/v2"
	"net"
	"strconv"
)

// The kernel hands out ports above these by itself, to servers and to clients, so one that
// is free for a moment while a hub is down would soon be somebody else's.
const first, last = 15000, 31999

// Free returns an address of the loopback at which nobody listens. Where all that it tries
// are taken it returns one of them, and whoever wants it is told.
func Free() (addr string) {
	for range 100 {
		addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(first+rand.IntN(last-first+1)))
		if l, err := net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			break
		}
	}
	return addr
}
