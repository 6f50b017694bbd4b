// Command clickthread closes the loop between a Click-to-WhatsApp ad and the sale it led to.
//
// This package only wires: commands, the one cron table and the life of the process. It takes no
// decisions of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // rule files name timezones, also on machines without zoneinfo

	"github.com/alecthomas/kong"
)

// cli is every command of the program.
type cli struct {
	Serve    serveCmd    `cmd:"" help:"Receive webhooks and forward events."`
	Demo     demoCmd     `cmd:"" help:"Watch the whole loop on this machine: no account, no settings, no network."`
	Sandbox  sandboxCmd  `cmd:"" help:"Run a pretend Meta for your own tests."`
	Rules    rulesCmd    `cmd:"" help:"Check and test rule files; see why a rule fires or does not."`
	Events   eventsCmd   `cmd:"" help:"See what became of every event, and why; mend what is not at Meta."`
	Accounts accountsCmd `cmd:"" help:"See which accounts send; check, pause and resume them."`
	Optouts  optoutsCmd  `cmd:"" help:"Keep people out of everything that goes to Meta."`
	Notices  noticesCmd  `cmd:"" help:"See what your own systems were told, and whether they took it."`
	Run      runCmd      `cmd:"" help:"Run one of the server's jobs now."`
	Bench    benchCmd    `cmd:"" help:"Measure what this machine takes in."`
	Version  versionCmd  `cmd:"" help:"Print the version."`

	BenchServer benchServerCmd `cmd:"" hidden:""`
}

// Exit codes, the same for every command.
const (
	exitOK          = 0
	exitFindings    = 1 // something was found wrong
	exitUsage       = 2 // the command line or the settings are wrong
	exitUnreachable = 3 // what the command needs is not there
)

// exitError carries the code that a failed command ends with.
type exitError struct {
	code int
	err  error // nil: everything was said already
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func findings() error             { return &exitError{code: exitFindings} }
func usage(err error) error       { return &exitError{exitUsage, err} }
func unreachable(err error) error { return &exitError{exitUnreachable, err} }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program without its process: arguments in, exit code out.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	done := -1 // set when --help has said it all
	parser, err := kong.New(&cli{},
		kong.Name("clickthread"),
		kong.Description("Clickthread closes the loop between a Click-to-WhatsApp ad and the sale it led to.\n\nNew here? Try: clickthread demo"),
		kong.Writers(stdout, stderr),
		kong.Exit(func(c int) { done = c }),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&console{out: stdout, err: stderr, color: isTerminal(stdout)}),
	)
	if err != nil {
		panic(err) // the command table itself is wrong: a fault of ours that every test finds
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if done >= 0 {
		return done
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "clickthread: %v\nTry: clickthread --help\n", err)
		return exitUsage
	}
	err = parsed.Run()
	if err == nil {
		return exitOK
	}
	if text := err.Error(); text != "" {
		_, _ = fmt.Fprintf(stderr, "clickthread: %s\n", text)
	}
	if exit := (*exitError)(nil); errors.As(err, &exit) {
		return exit.code
	}
	return exitFindings
}
