// Package program serves a connector written in Go as a program of its own, over the
// protocol in docs/external-protocol.md:
//
//	func main() { program.Main(acme.Connector()) }
//
// The connector is the same value that a hub could be built with: nothing in it knows
// that there is a pipe. What differs: Env.Transport is nil, Env.Log and Env.Vault speak
// to the hub, and Env.Now is this machine's clock.
package program
