package cli

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minihub/minihub/cmd/minihub/internal/text"
)

// The texts a mapping had come from the directory's commits, newest first, then from the
// directory and from what is shipped.
func TestCandidates(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	dir := t.TempDir()
	const name = "example/in/stock.yaml"
	place := filepath.Join(dir, "mappings", filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(place), 0o700); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=n", "-c", "user.email=n@example.test"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("git %s: %v %s", args[0], err, out)
		}
	}
	write := func(file, content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run("init", "-q")
	for _, content := range []string{"first", "second"} {
		write(place, content)
		run("add", ".")
		run("commit", "-q", "-m", content)
	}
	write(place, "third")
	r := &root{dir: dir, texts: text.In("C")}
	list := func(file string) (got []string) {
		for _, c := range r.candidates(context.Background(), name, file) {
			content, _, _ := strings.Cut(string(c.src), "\n")
			got = append(got, content)
		}
		return got
	}
	// The file itself is what changed: only another file is compared with it.
	if got := strings.Join(list(place)[:2], " "); got != "second first" || len(list(place)) != 3 {
		t.Errorf("of the file itself: %q", list(place))
	}
	if got := list(filepath.Join(t.TempDir(), "other.yaml")); len(got) != 4 || got[2] != "third" || !strings.HasPrefix(got[3], "#") && !strings.HasPrefix(got[3], "mapping:") {
		t.Errorf("of another file: %q", got)
	}
}

func TestParseAge(t *testing.T) {
	for s, want := range map[string]string{"30d": "720h0m0s", "2w": "336h0m0s", "12h30m": "12h30m0s"} {
		if got, err := parseAge(s); err != nil || got.String() != want {
			t.Errorf("%s is %s %v, want %s", s, got, err, want)
		}
	}
	for _, s := range []string{"", "d", "-1d", "soon", "-5h", "0s", "99999999999d"} {
		if got, err := parseAge(s); err == nil {
			t.Errorf("%q is taken for %s", s, got)
		}
	}
}
