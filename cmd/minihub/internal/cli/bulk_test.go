package cli

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestReplayAsAJobTellsWhatGoesTogether(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "hub")
	for _, c := range []struct{ args, want string }{
		{"--job 1 --incident 2 --plan", "one thing"},
		{"--rate 5", "one thing"},
		{"7 --job 1", "one thing"},
		{"--job 1 --start --cancel", "do not go together"},
		{"--incident 2 --cancel", "do not go together"},
		{"--job 1 --plan", "do not go together"},
		{"--incident 2", "--plan"},
		{"--code x", "--plan"},
		{"--incident 2 --code x --plan", "one thing"},
		{"--code x --plan --wait", "do not go together"},
	} {
		code, _, errs := minihub(t, append([]string{"replay", "-c", dir}, strings.Fields(c.args)...)...)
		if code != Input || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit %d, %s; want %q", c.args, code, errs, c.want)
		}
	}
}
