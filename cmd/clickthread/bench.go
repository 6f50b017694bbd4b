package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/clickthread/clickthread/sql"
)

type benchCmd struct {
	For         time.Duration `help:"How long each server is measured, after a short warm-up." default:"10s"`
	Connections int           `help:"How many senders at once, each on a connection of its own that waits for its answer." default:"64"`
	Mix         string        `help:"What is sent: everyday (messages, ad clicks, payments, statuses, duplicates), sales (every webhook is a payment), duplicates." enum:"everyday,sales,duplicates" default:"everyday"`
	Database    string        `help:"sqlite, or postgres://USER:PASSWORD@HOST/DATABASE: of a server where this user may create databases." default:"sqlite"`
	Prefill     int           `help:"How many conversations stand in the database before." placeholder:"N"`
	TLS         bool          `help:"The pretend Meta speaks TLS, as Meta does." name:"tls"`
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
		"  clickthread bench --mix sales --tls\n\n" +
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
	case c.Prefill < 0:
		return errors.New("--prefill is 0 or more")
	case c.URL != "" && !strings.HasPrefix(c.URL, "http://") && !strings.HasPrefix(c.URL, "https://"):
		return errors.New("--url begins with http:// or https://")
	case c.URL != "" && (c.Secret == "" || c.WABA == ""):
		return errors.New("--url needs --secret and --waba: what is not signed is refused, and what is of an unknown account is not recorded")
	case c.URL != "" && (c.Prefill > 0 || c.Mix == "sales" || c.TLS || c.Database != "sqlite"):
		return errors.New("--prefill, --mix sales, --tls and --database are for servers that bench starts itself, not for --url")
	case c.Database != "sqlite":
		return sql.CheckURL(c.Database)
	}
	return nil
}

// phase is one measurement: a server of its own on a database of its own.
type phase struct {
	name    string
	storage string // of the server: one of the storages in benchserver.go
	mix     string
	prefill int
	noMeta  bool // Meta refuses the token, so that nothing is sent: everything stays queued

	// floor is what the first phase's rate must be at least, as a multiple of this one's.
	floor float64
}

// salesPool is how many conversations there are, each with a click, before every webhook is a payment.
const salesPool = 10_000

// phases are what is measured: first what the question is about, then what it is compared with.
func (c *benchCmd) phases() []phase {
	first := phase{name: "clickthread", storage: realStorage, mix: c.Mix, prefill: c.Prefill}
	if c.Mix == "sales" {
		first.prefill = cmp.Or(c.Prefill, salesPool)
	}
	other := first
	switch {
	case c.Mix == "sales":
		other.name, other.noMeta, other.floor = "not sending", true, 0.6
	case c.Mix == "duplicates":
		other.name, other.mix, other.floor = "everyday mix", "everyday", 1
	case c.Prefill > 0:
		other.name, other.prefill, other.floor = "empty database", 0, 0.85
	case c.Connections > 1: // one client alone never meets another in a transaction
		single, stub := first, first
		single.name, single.storage, single.floor = "one by one", singleStorage, 4
		stub.name, stub.storage, stub.floor = "no storage", stubStorage, 0.3
		return []phase{first, single, stub}
	default:
		return []phase{first}
	}
	return []phase{first, other}
}

// Run measures, compares and prints. It ends with findings where a webhook was refused or an event
// was lost or doubled; a slow machine is no fault.
func (c *benchCmd) Run(ctx context.Context, out *console) error {
	r := c.newReport()
	progress := newProgress(out)
	var err error
	if c.URL != "" {
		err = c.measureURL(ctx, progress, r)
	} else {
		err = c.measureAll(ctx, progress, r)
	}
	progress.end()
	if ctx.Err() != nil {
		return errors.New("stopped before the end; nothing was left behind")
	}
	if err != nil {
		return err
	}
	r.compare()
	if c.JSON {
		err = out.json(r)
	} else {
		r.print(out)
	}
	if err == nil && r.faulty() {
		return findings()
	}
	return err
}

// measureAll measures one phase after another in a folder that is removed at the end.
func (c *benchCmd) measureAll(ctx context.Context, progress *progress, r *report) error {
	folder, err := os.MkdirTemp(".", "clickthread-bench-")
	if err != nil {
		return unreachable(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	for _, p := range c.phases() {
		figures, err := c.measure(ctx, progress, folder, p)
		if err != nil {
			return fmt.Errorf("measure %s: %w", p.name, err)
		}
		r.Phases = append(r.Phases, figures)
	}
	return nil
}
