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

// Help shows an example below the flags.
func (sandboxCmd) Help() string {
	return "Example:\n" +
		"  clickthread sandbox --listen 127.0.0.1:9100\n" +
		"  curl -s http://127.0.0.1:9100/sandbox/events\n" +
		"  curl -s http://127.0.0.1:9100/sandbox/faults -d '{\"next\": 3, \"status\": 500}'\n\n" +
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
		"  make it fail      curl -s http://%s/sandbox/faults -d '{\"next\": 3, \"status\": 500}'\n",
		ln.Addr(), ln.Addr(), ln.Addr(), ln.Addr())
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
