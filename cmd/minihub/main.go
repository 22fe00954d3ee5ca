// Command minihub connects Mini Program stores to a brand's CRM, OMS, WMS, ERP and
// logistics providers.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/minihub/minihub/cmd/minihub/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(code)
}
