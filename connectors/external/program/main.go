package program

import (
	"context"
	"fmt"
	"os"

	"github.com/minihub/minihub/connectors"
)

// Main serves the connector on standard input and output until the hub closes them,
// and does not return. What the program prints goes to standard error, where the hub
// reads it as log lines: standard output belongs to the protocol.
func Main(c *connectors.Connector) {
	in, out := os.Stdin, os.Stdout
	os.Stdout = os.Stderr
	if stat, err := in.Stat(); err == nil && stat.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprintf(os.Stderr, "%s is a connector that minihub starts by itself: name it as `command` in connectors/%s.yaml\n", os.Args[0], c.Name)
		os.Exit(2)
	}
	if err := Serve(context.Background(), c, in, out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
