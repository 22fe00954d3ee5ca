package cli

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/minihub/minihub/cmd/minihub/internal/app"
	"github.com/minihub/minihub/cmd/minihub/internal/mapweb"
	"github.com/minihub/minihub/cmd/minihub/internal/text"
	"github.com/minihub/minihub/mappings"
	"github.com/minihub/minihub/mappings/craft"
)

// maxSample is how large a sample may be, as for a webhook's body.
const maxSample = 32 << 20

func (r *root) mapTryCommand() *cobra.Command {
	var file, context string
	cmd := &cobra.Command{
		Use:   "try -f MAPPING.yaml [SAMPLE.json] < SAMPLE.json",
		Short: "Map a sample and show the result, or the errors at their places",
		Long: "Maps one JSON document, from a file or the standard input, and prints the result. Schemas and lookup tables are those of\n" +
			"the directory. --context gives what the hub would know beside the document, as a case's context.json.\n\n" +
			"Exit codes: 0 mapped and fits its schema, 1 a row failed or the result does not fit, 2 mapping or sample cannot be read.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			sample, name, err := r.sample(args)
			if err != nil {
				return err
			}
			mapping, err := r.readFile(file)
			if err != nil {
				return err
			}
			var known []byte
			if context != "" {
				if known, err = r.readFile(context); err != nil {
					return err
				}
			}
			w, err := r.workshop(r.dir)
			if err != nil {
				return err
			}
			return r.printTrial(w.bench().Try(file, mapping, sample, known), name, context)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "the mapping")
	cmd.Flags().StringVar(&context, "context", "", "a JSON file with key, store, source, links and lookups")
	if err := cmd.MarkFlagRequired("file"); err != nil {
		panic(err) // the flag is declared above
	}
	return cmd
}

func (r *root) sample(args []string) (body []byte, name string, err error) {
	if len(args) == 1 && args[0] != "-" {
		body, err = r.readFile(args[0])
		return body, args[0], err
	}
	if f, is := r.std.In.(*os.File); is {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			fmt.Fprintln(r.std.Err, r.texts.Say(text.TypeSample))
		}
	}
	body, err = io.ReadAll(io.LimitReader(r.std.In, maxSample))
	return body, "stdin", err
}

// printTrial prints the result to the output and everything else to the error stream.
func (r *root) printTrial(t *craft.Trial, sample, context string) error {
	code := Fine
	switch {
	case len(t.Problems)+len(t.Sample)+len(t.Context) > 0:
		code = Input
	case !t.OK:
		code = Failed
	}
	if r.json {
		if err := r.printJSON(t); err != nil {
			return err
		}
		return exitWith(code)
	}
	say := func(s, code string) { fmt.Fprintf(r.std.Err, "%s [%s]\n", s, code) }
	for _, p := range t.Problems {
		say(p.Error(), p.Code)
	}
	r.printMarks(sample, t.Sample)
	r.printMarks(context, t.Context)
	for _, v := range t.Input {
		fmt.Fprintln(r.std.Err, r.texts.Say(text.Warning, fmt.Sprintf("%s:%d:%d: %s", sample, v.Line, v.Column, v)))
	}
	for _, f := range t.Errors {
		say(f.Error(), f.Code)
	}
	if t.Result != "" {
		if _, err := io.WriteString(r.std.Out, t.Result); err != nil {
			return err
		}
	}
	for i, f := range mappings.SchemaFailures(t.Schema, t.Violations) {
		v := t.Violations[i]
		say(fmt.Sprintf("result:%d:%d: %s", v.Line, v.Column, v), f.Code)
	}
	if n := len(t.Problems) + len(t.Sample) + len(t.Context) + len(t.Errors) + len(t.Violations); n > 0 {
		fmt.Fprintf(r.std.Err, "\n%s\n", r.texts.Say(text.ProblemCount, n))
	}
	return exitWith(code)
}

func (r *root) printMarks(file string, marks []craft.Mark) {
	for _, m := range marks {
		hint := ""
		if m.Hint != "" {
			hint = " (" + m.Hint + ")"
		}
		fmt.Fprintf(r.std.Err, "%s:%d:%d: %s%s [%s]\n", file, m.Line, m.Column, m.Text, hint, m.Code)
	}
}

// exitWith ends a command that has said everything.
func exitWith(code int) error {
	if code == Fine {
		return nil
	}
	return quiet(code)
}

func (r *root) mapServeCommand() *cobra.Command {
	var listen, file string
	cmd := &cobra.Command{
		Use:   "serve [-f MAPPING.yaml]",
		Short: "Open a page with sample, mapping and result side by side",
		Long: "Serves a page on this machine only: sample, mapping and result side by side, live. It works offline, and nothing typed into\n" +
			"it is stored. Reload the page after changing schemas, lookup tables or cases.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opt := mapweb.Options{Load: func() (*mapweb.Workshop, error) {
				w, err := r.workshop(r.dir)
				if err != nil {
					return nil, err
				}
				return &mapweb.Workshop{Bench: w.bench(), Set: w.set, Cases: w.cases()}, nil
			}}
			if file != "" {
				src, err := r.readFile(file)
				if err != nil {
					return err
				}
				opt.Start, opt.StartSource = (&workshop{dir: r.dir}).name(file), src
			}
			host, _, err := net.SplitHostPort(listen)
			if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
				return r.bad(text.LoopbackOnly, listen)
			}
			l, err := (&net.ListenConfig{}).Listen(cmd.Context(), "tcp", listen)
			if err != nil {
				return &app.ListenError{Key: "--listen", Err: err}
			}
			s := &http.Server{Handler: ownHost(mapweb.Handler(opt)), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
			url := "http://" + l.Addr().String() + "/"
			if r.json {
				if err := r.printJSON(map[string]string{"url": url}); err != nil {
					return errors.Join(err, l.Close())
				}
			} else {
				r.say(text.WorkshopAt, url)
			}
			ended := make(chan error, 1)
			go func() { ended <- s.Serve(l) }()
			select {
			case err := <-ended:
				return environmentError{err}
			case <-cmd.Context().Done():
				return s.Close()
			}
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:7177", "address on this machine; port 0 takes a free one")
	cmd.Flags().StringVarP(&file, "file", "f", "", "the mapping to open with")
	return cmd
}

// ownHost refuses names that only pretend to be this machine: a page elsewhere could
// otherwise make a browser read the workshop through a name of its own.
func ownHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		host, _, err := net.SplitHostPort(req.Host)
		if err != nil {
			host = req.Host
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "open the page by its address on this machine, such as http://127.0.0.1", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, req)
	})
}
