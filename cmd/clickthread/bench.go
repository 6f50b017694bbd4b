package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/clickthread/clickthread/internal/bench"
	"github.com/clickthread/clickthread/sql"
)

type benchCmd struct {
	For         time.Duration `help:"How long each server is measured, after a short warm-up." default:"10s"`
	Connections int           `help:"How many senders at once, each on a connection of its own that waits for its answer." default:"64"`
	Mix         string        `help:"What is sent: everyday (messages, ad clicks, payments, statuses, duplicates), sales (every webhook is a payment), duplicates." enum:"everyday,sales,duplicates" default:"everyday"`
	Database    string        `help:"sqlite, or postgres://USER:PASSWORD@HOST/DATABASE: of a server where this user may create databases." default:"sqlite"`
	Prefill     int           `help:"How many conversations stand in the database before." placeholder:"N"`
	TLS         bool          `help:"The pretend Meta speaks TLS, as Meta does." name:"tls"`
	Backlog     int           `help:"Measure instead how fast N queued events of one account reach Meta over TLS, while five others sell." placeholder:"N"`
	Prune       int           `help:"Measure instead what the senders notice of half the full rate while N old rows are removed." placeholder:"N"`
	Profile     string        `help:"Write a CPU profile of each server that is measured into this folder, for go tool pprof." placeholder:"DIR" type:"existingdir"`
	URL         string        `help:"Send to this running server instead, WHICH KEEPS WHAT IS SENT: http://HOST:PORT." name:"url"`
	Secret      string        `help:"The app secret of the server at --url." env:"CLICKTHREAD_BENCH_SECRET"`
	WABA        string        `help:"The waba_id of an account of the server at --url." name:"waba" placeholder:"ID"`
	JSON        bool          `help:"Print the result as JSON." name:"json"`
}

// Help shows an example below the flags.
func (benchCmd) Help() string {
	return "Example:\n" +
		"  clickthread bench\n" +
		"  clickthread bench --for 30s --database postgres://bench:secret@127.0.0.1/postgres\n" +
		"  clickthread bench --prefill 1000000\n" +
		"  clickthread bench --mix sales --tls\n" +
		"  clickthread bench --backlog 1000000\n" +
		"  clickthread bench --prune 1000000\n\n" +
		"Starts servers as processes of their own, one after another, each on an empty database, with a\n" +
		"pretend Meta beside them; sends signed webhooks, and compares. SQLite's files are put below the\n" +
		"working directory, so stand on the disk that you mean, and not on one in memory. Everything is\n" +
		"removed at the end."
}

// Validate says what cannot be measured; kong calls it.
func (c *benchCmd) Validate() error {
	switch {
	case c.For < 100*time.Millisecond || c.For > time.Hour:
		return errors.New("--for is between 100ms and 1h")
	case c.Connections < 1 || c.Connections > 10_000:
		return errors.New("--connections is between 1 and 10000")
	case c.Prefill < 0 || c.Backlog < 0 || c.Prune < 0:
		return errors.New("--prefill, --backlog and --prune are 0 or more")
	case c.Backlog > 0 && c.Prune > 0:
		return errors.New("--backlog and --prune are two measurements; run one after the other")
	case c.Backlog+c.Prune > 0 && (c.Prefill > 0 || c.Mix != "everyday"):
		return errors.New("--backlog and --prune prepare and send what they need; leave --prefill and --mix out")
	case c.Database != "sqlite":
		if err := sql.CheckURL(c.Database); err != nil {
			return err
		}
	}
	return c.validateURL()
}

// validateURL says what a server that runs already cannot be asked for.
func (c *benchCmd) validateURL() error {
	if c.URL == "" {
		return nil
	}
	target, err := url.Parse(c.URL)
	switch {
	case err != nil || target.Scheme != "http" && target.Scheme != "https" || target.Host == "":
		return errors.New("--url is http://HOST:PORT or https://HOST:PORT")
	case c.Secret == "" || c.WABA == "":
		return errors.New("--url needs --secret and --waba: what is not signed is refused, and what is of an unknown account is not recorded")
	case c.Prefill+c.Backlog+c.Prune > 0 || c.Mix == "sales" || c.TLS || c.Database != "sqlite":
		return errors.New("--prefill, --backlog, --prune, --mix sales, --tls and --database are for servers that bench starts itself, not for --url")
	}
	return nil
}

// Run measures, compares and prints. It ends with findings where a webhook was refused or an event
// was lost or doubled; a slow machine is no fault.
func (c *benchCmd) Run(ctx context.Context, out *console) error {
	line := progressLine{out.err, isTerminal(out.err)}
	r, err := bench.Run(ctx, bench.Options{
		For: c.For, Connections: c.Connections, Mix: c.Mix, Database: c.Database, Prefill: c.Prefill, TLS: c.TLS, Profile: c.Profile,
		Backlog: c.Backlog, Prune: c.Prune, URL: c.URL, Secret: c.Secret, WABA: c.WABA, Tell: line.tell,
	})
	line.end()
	if _, ok := errors.AsType[bench.NotThereError](err); ok {
		return unreachable(err)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		err = out.json(r)
	} else {
		printBench(out, r)
	}
	if err == nil && len(r.Faults()) > 0 {
		return findings()
	}
	return err
}

// printBench shows a report to people.
func printBench(out *console, r *bench.Report) {
	out.printf("%s\n%s, %d CPUs, %s, %s, %s each, %s\n\n", out.bold("clickthread bench: "+r.Where()),
		r.Machine, r.CPUs, r.Go, plural(r.Connections, "connection"), time.Duration(r.Seconds*float64(time.Second)).Round(100*time.Millisecond), r.At.Format(time.RFC3339))
	out.table(r.Table())
	faults := r.Faults()
	for _, fault := range faults {
		out.printf("\n%s\n", out.red(fault))
	}
	if len(faults) == 0 {
		out.printf("\n%s\n", out.green("Every webhook was answered 200, and every payment that was to be sent reached Meta once."))
	}
	if len(r.Targets) == 0 {
		return
	}
	out.printf("\n%s\n", out.bold("Against what is wanted of 2 quiet cores, with senders and database on the same machine"))
	rows := [][]string{}
	for _, t := range r.Targets {
		rows = append(rows, t.Row())
	}
	out.table(rows)
}

// progressLine tells how far something is: a line that changes on a terminal, lines elsewhere. It goes
// to the error stream, so that the result stays alone.
type progressLine struct {
	w        io.Writer
	terminal bool
}

func (p progressLine) tell(text string) {
	if p.terminal {
		_, _ = fmt.Fprintf(p.w, "\r\x1b[K  %s", text)
		return
	}
	_, _ = fmt.Fprintln(p.w, text)
}

// end clears the line.
func (p progressLine) end() {
	if p.terminal {
		_, _ = fmt.Fprint(p.w, "\r\x1b[K")
	}
}
