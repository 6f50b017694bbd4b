package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/configs"
	"github.com/clickthread/clickthread/sql"
)

// configFlag is shared by every command that reads the settings.
type configFlag struct {
	Config string `help:"Settings file. Default: configs/clickthread.yaml, if it exists." placeholder:"FILE" type:"path"`
}

func (c configFlag) load() (configs.Settings, error) {
	s, err := configs.Load(c.Config, os.LookupEnv)
	if err != nil {
		return s, usage(err)
	}
	return s, nil
}

type serveCmd struct {
	configFlag
	Force bool `help:"Put rules in force although tests in their files fail. The log says which."`
	JSON  bool `help:"Log as JSON." name:"json"`
}

// Help shows an example below the flags.
func (serveCmd) Help() string {
	return "Example:\n  clickthread serve --config configs/clickthread.yaml\n\n" +
		"Stops on SIGTERM: requests in flight are answered, calls to Meta in flight are settled."
}

// Run serves until the process is asked to stop.
func (c *serveCmd) Run(ctx context.Context, out *console) error {
	s, err := c.load()
	if err != nil {
		return err
	}
	log := newLog(out, c.JSON, slog.LevelInfo)
	why := toServe
	if c.Force {
		why = toServeAll
	}
	a, err := newApp(ctx, s, log, why)
	if err != nil {
		return err
	}
	defer func() { _ = a.close() }()
	door, err := listen(s.Listen)
	if err != nil {
		return err
	}
	var admin net.Listener
	if s.AdminListen != "" {
		if admin, err = listen(s.AdminListen); err != nil {
			return err
		}
	}
	if err := a.keepLanes(ctx); err != nil {
		return err
	}
	warn(log, s)
	warnOfTestCodes(log, a.accounts, a.clock.Now())
	log.Info("listening", "webhooks", fmt.Sprintf("http://%s/webhooks/whatsapp", door.Addr()), "accounts", len(s.Accounts),
		"database", sql.Where(s.Database), "meta", s.Meta.GraphURL)
	return a.run(ctx, door, admin)
}

// warn says what the settings ask for and this version does not do.
func warn(log *slog.Logger, s configs.Settings) {
	for _, key := range s.NotYet() {
		log.Warn("this setting is read but does nothing in this version", "key", key)
	}
	if len(s.Accounts) == 0 {
		log.Warn("no accounts in the settings: every notification goes to quarantine for 7 days")
	}
}

// warnOfTestCodes says which accounts mark their events as tests, which Meta counts all the same.
func warnOfTestCodes(log *slog.Logger, accounts *account.Registry, now time.Time) {
	for _, a := range accounts.All() {
		switch {
		case a.TestCode(now) != "":
			log.Warn("TEST MODE: events carry a test_event_code; Meta counts them all the same", "account", a.ID, "until", a.TestUntil)
		case a.TestEventCode != "":
			log.Warn("test_event_code has been in the settings for more than a day and is not sent any more; remove it, and set it again to test", "account", a.ID)
		}
	}
}

// newLog writes one line per step to the error stream, so that a command's output stays its own.
func newLog(out *console, asJSON bool, from slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: from}
	if asJSON {
		return slog.New(slog.NewJSONHandler(out.err, options))
	}
	return slog.New(slog.NewTextHandler(out.err, options))
}
