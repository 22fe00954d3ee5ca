package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// reopen stops the hub and starts it again on the same addresses, so that the status page
// stays where it was.
func (d *Demo) reopen(ctx context.Context) error {
	admin, intake := d.hub.AdminURL(), d.hub.IntakeURL()
	file := filepath.Join(d.dir, "hub.yaml")
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text := string(b)
	for _, at := range []string{admin, intake} {
		// The template writes the API's listener first.
		text = strings.Replace(text, `"127.0.0.1:0"`, fmt.Sprintf("%q", strings.TrimPrefix(at, "http://")), 1)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return err
	}
	d.swap.Lock()
	defer d.swap.Unlock()
	hub := d.hub
	d.hub = nil
	if err := hub.Stop(); err != nil {
		return fmt.Errorf("stopping the hub: %w", err)
	}
	return d.serve(ctx)
}
