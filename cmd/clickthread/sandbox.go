package main

import (
	"context"
	"time"

	"github.com/clickthread/clickthread/sandbox"
)

type sandboxCmd struct {
	Listen  string   `help:"Address to listen on." default:"127.0.0.1:9100" placeholder:"ADDR"`
	Click   []string `help:"A click id that this Meta knows; repeatable. Without any, all are known." placeholder:"CLID"`
	Dataset []string `help:"A dataset that exists; repeatable. Without any, all do." placeholder:"ID"`
	Token   []string `help:"An access token that is good; repeatable. Without any, all are." placeholder:"TOKEN"`
}

// Help lists the calls and shows an example below the flags.
func (sandboxCmd) Help() string {
	return "Meta's calls, each with a Bearer token:\n" +
		"  POST             /{version}/{dataset}/events\n" +
		"  POST GET         /{version}/{waba}/dataset\n" +
		"  GET              /{version}/{waba}/phone_numbers\n" +
		"  POST GET DELETE  /{version}/{waba}/subscribed_apps\n" +
		"  POST GET DELETE  /{version}/{number}/block_users\n" +
		"  GET              /{version}/debug_token?input_token=...\n\n" +
		"The sandbox's own:\n" +
		"  GET   /sandbox/events        what it took, oldest first\n" +
		"  POST  /sandbox/faults        make the next answers to events fail\n" +
		"  POST  /sandbox/faults/clear  end all faults, or those of one {\"dataset\": \"...\"}\n\n" +
		"A fault is JSON, and all of it can be combined:\n" +
		"  next, until_cleared, dataset                    how many answers fail, or until when; whose\n" +
		"  status, code, subcode, named, received          an error, the index of the event it blames; a receipt\n" +
		"  retry_after (seconds), usage_minutes            headers that ask to wait\n" +
		"  delay_ms, half, huge, drop                      slow, cut short, over 1 MiB, no answer at all\n" +
		"  taken                                           the events are taken all the same\n\n" +
		"Example:\n" +
		"  clickthread sandbox --listen 127.0.0.1:9100\n" +
		"  curl -s http://127.0.0.1:9100/sandbox/events\n" +
		"  curl -s http://127.0.0.1:9100/sandbox/faults -d '{\"next\": 3, \"status\": 500}'\n" +
		"  curl -s http://127.0.0.1:9100/sandbox/faults -d '{\"dataset\": \"900\", \"code\": 190, \"until_cleared\": true}'\n" +
		"  curl -s http://127.0.0.1:9100/sandbox/faults/clear -d ''\n\n" +
		"Set meta.graph_url to http://127.0.0.1:9100 and the server talks to it. It judges events as Meta\n" +
		"does: one bad event refuses the whole batch, with Meta's own codes."
}

// Run serves the pretend Meta until the process is asked to stop.
func (c *sandboxCmd) Run(ctx context.Context, out *console) error {
	ln, err := listen(c.Listen)
	if err != nil {
		return err
	}
	graph := sandbox.NewGraph(sandbox.Options{Clicks: c.Click, Datasets: c.Dataset, Tokens: c.Token, Now: now})
	server := newServer(graph)
	server.WriteTimeout = 0 // faults may delay an answer for minutes
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(ln) }()
	out.printf("A pretend Meta listens on http://%s\n\n"+
		"  in the settings   meta: {graph_url: http://%s}\n"+
		"  what it took      curl -s http://%s/sandbox/events\n"+
		"  make it fail      curl -s http://%s/sandbox/faults -d '{\"next\": 3, \"status\": 500}'\n"+
		"  make it well      curl -s http://%s/sandbox/faults/clear -d ''\n",
		ln.Addr(), ln.Addr(), ln.Addr(), ln.Addr(), ln.Addr())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil {
		return server.Close() // an answer that is being delayed is cut off
	}
	return nil
}
