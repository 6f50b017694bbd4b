package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/configs"
	"github.com/clickthread/clickthread/sandbox"
	"github.com/clickthread/clickthread/webhook"
)

type demoCmd struct {
	Once bool `help:"Play the story, check that Meta holds exactly what it promises, and end."`
}

// Help shows an example below the flags.
func (demoCmd) Help() string {
	return "Example:\n  clickthread demo --once\n\n" +
		"Starts the real server on a database in a temporary folder, a pretend Meta and a few pretend\n" +
		"shoppers. Nothing leaves this machine, and nothing is left behind."
}

// Names of the demo's pretend shop. The numbers belong to nobody.
const (
	demoAccount = "lamp-shop"
	demoWABA    = "300100200300400"
	demoNumber  = "700100200300400"
	demoDataset = "900100200300400"
	demoSecret  = "demo-app-secret"
)

// demo is a server, a Meta and the ledger between them, all in this process and on loopback.
type demo struct {
	out   *console
	app   *app
	graph *sandbox.Graph
	url   string // of the webhook
}

// Run plays the story, and without --once goes on with live traffic until it is stopped.
func (c *demoCmd) Run(ctx context.Context, out *console) error {
	folder, err := os.MkdirTemp("", "clickthread-demo-")
	if err != nil {
		return unreachable(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	d, stop, err := startDemo(ctx, out, folder)
	if err != nil {
		return err
	}
	err = d.play(ctx, c.Once)
	return errors.Join(err, stop())
}

func (d *demo) play(ctx context.Context, once bool) error {
	err := d.story(ctx)
	if ctx.Err() != nil {
		return nil // stopped by hand
	}
	if err != nil || once {
		return err
	}
	return d.live(ctx)
}

// startDemo starts everything and waits for nothing: what is listening is ready.
func startDemo(ctx context.Context, out *console, folder string) (d *demo, stop func() error, err error) {
	meta, err := listen("127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	door, err := listen("127.0.0.1:0")
	if err != nil {
		return nil, nil, errors.Join(err, meta.Close())
	}
	s, err := demoSettings(folder, meta.Addr())
	if err != nil {
		return nil, nil, err
	}
	a, err := newApp(ctx, s, slog.New(slog.DiscardHandler), toServe)
	if err != nil {
		return nil, nil, err
	}
	d = &demo{out: out, app: a, url: fmt.Sprintf("http://%s%s", door.Addr(), webhook.Path)}
	d.graph = sandbox.NewGraph(sandbox.Options{Datasets: []string{demoDataset}, Now: now})
	pretendMeta := newServer(d.graph)
	go func() { _ = pretendMeta.Serve(meta) }()

	running, end := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- a.run(running, door, nil) }()
	return d, func() error {
		end()
		err := errors.Join(<-ended, a.close(), pretendMeta.Close())
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	}, nil
}

// demoSettings writes the rule file and fills in what a merchant would write in a settings file.
func demoSettings(folder string, meta net.Addr) (configs.Settings, error) {
	rules := filepath.Join(folder, "rules", demoAccount)
	if err := os.MkdirAll(rules, 0o700); err != nil {
		return configs.Settings{}, unreachable(err)
	}
	if err := os.WriteFile(filepath.Join(rules, "chat.yaml"), configs.DemoRules, 0o600); err != nil {
		return configs.Settings{}, unreachable(err)
	}
	s := configs.Defaults()
	s.Database = "sqlite:" + filepath.Join(folder, "clickthread.db")
	s.Rules = filepath.Dir(rules)
	s.Meta.GraphURL = "http://" + meta.String()
	s.Meta.AppSecrets = []account.Secret{demoSecret}
	s.Meta.VerifyToken = "demo"
	s.Accounts = []configs.Account{{
		ID: demoAccount, WABAID: demoWABA, DatasetID: demoDataset, AccessToken: "demo-token",
		Country: "US", Currency: "USD", Locale: "en", Timezone: "UTC", Click: "last", Unknown: "resend",
		Send: configs.Send{Identity: "waba"},
	}}
	return s, nil
}

// shopper makes a pretend person with a number that belongs to nobody.
func (d *demo) shopper(name, phone string) *sandbox.Shopper {
	return &sandbox.Shopper{
		URL: d.url, AppSecret: demoSecret, WABA: demoWABA, PhoneNumberID: demoNumber,
		WAID: phone, UserID: "US.99" + phone, Name: name, Now: time.Now,
	}
}
