package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The server that bench measures: this program once more, in a process of its own, with settings and
// rules of its own.

const (
	appSecret  = "bench-app-secret"
	startLimit = time.Minute
	stopLimit  = 20 * time.Second
)

// shopRules are a handful of rules as a shop has them. Every payment is an event ("once: always"), so
// that bench knows what Meta must hold in the end.
const shopRules = `version: 1
defaults: {currency: BRL}
rules:
  - id: asked-price
    when: {customer_says: ["quanto custa", "qual o valor", "qual o preço"]}
    send: LeadSubmitted
    once: per_conversation
  - id: wants-to-buy
    when: {customer_says: ["quero comprar", "como faço o pedido", "manda o pix"]}
    send: InitiateCheckout
  - id: chose-in-list
    when: {customer_taps: {list: {id: "product-*"}}}
    send: ViewContent
  - id: sent-cart
    when: {customer_orders: {at_least: {items: 1}}}
    send: AddToCart
    value: {from: cart}
  - id: paid
    when: {customer_says: ["paguei {money}", "fiz o pix de {money}", "transferi {money}"]}
    send: Purchase
    value: {from: message}
    once: always
`

// The storages of a server that is measured.
const (
	RealStorage   = "real"   // plain "clickthread serve"
	SingleStorage = "single" // one transaction per webhook
	StubStorage   = "stub"   // none
)

// serverKind says what is started: with which storage, for how many senders, and for whom.
type serverKind struct {
	storage     string
	connections int
	shops       []shop
	control     bool   // it can be told to prune
	profile     string // file for its CPU profile; "" = none
}

// profile is the file for the CPU profile of a server.
func (o Options) profile(name string) string {
	if o.Profile == "" {
		return ""
	}
	return filepath.Join(o.Profile, strings.ReplaceAll(name, " ", "-")+".pprof")
}

// args are the command line after the program's name.
func (as serverKind) args(config, database, control string) []string {
	if as.storage == RealStorage && !as.control && as.profile == "" {
		return []string{"serve", "--config", config}
	}
	args := []string{"bench-server", "--config", config, "--storage", as.storage, "--flushers", strconv.Itoa(transactions(database, as.connections))}
	if as.control {
		args = append(args, "--control", control)
	}
	if as.profile != "" {
		args = append(args, "--profile", as.profile)
	}
	return args
}

// child is a server in a process of its own. It never outlives us.
type child struct {
	cmd     *exec.Cmd
	url     *url.URL
	control *url.URL      // of POST that has it prune, where it was started with that
	log     string        // file with its error stream
	startup time.Duration // from the start of the process to ready
	exited  chan struct{} // closed when it has ended
	err     error         // why it ended; read it after exited
}

// startChild starts a server on a database, with a Meta, and returns when it is ready.
func startChild(ctx context.Context, folder, database string, meta *fakeMeta, as serverKind) (*child, error) {
	addresses, err := freeLoopback()
	if err != nil {
		return nil, err
	}
	config, err := writeSettings(folder, addresses[0], database, meta.url, as.shops)
	if err != nil {
		return nil, notThere(err)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, notThere(err)
	}
	c := &child{
		url: &url.URL{Scheme: "http", Host: addresses[0]}, control: &url.URL{Scheme: "http", Host: addresses[1]},
		log: filepath.Join(folder, "server.log"), exited: make(chan struct{}),
	}
	log, err := os.Create(c.log)
	if err != nil {
		return nil, notThere(err)
	}
	defer func() { _ = log.Close() }()
	c.cmd = &exec.Cmd{
		Path: self, Args: append([]string{"clickthread"}, as.args(config, database, addresses[1])...),
		Env: childEnv(meta.roots), Stdout: log, Stderr: log, SysProcAttr: dieWithUs(),
	}
	begin := time.Now()
	if err := c.cmd.Start(); err != nil {
		return nil, notThere(fmt.Errorf("start a server: %w", err))
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.exited)
	}()
	if err := c.awaitReady(ctx); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	c.startup = time.Since(begin)
	return c, nil
}

// transactions is how many transactions at once the server that records one by one may have: SQLite has
// one writer.
func transactions(database string, connections int) int {
	if strings.HasPrefix(database, "sqlite:") {
		return 1
	}
	return connections
}

// childEnv is our environment without the settings of a real server, which would win over the
// file's: bench must never come near a database in use.
func childEnv(roots string) []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "CLICKTHREAD_") {
			env = append(env, v)
		}
	}
	if roots != "" {
		env = append(env, "SSL_CERT_FILE="+roots)
	}
	return env
}

func writeSettings(folder, addr, database, meta string, all []shop) (config string, err error) {
	rules := filepath.Join(folder, "rules")
	text := fmt.Appendf(nil, "listen: %s\ndatabase: %q\nrules: %q\n"+
		"meta: {graph_url: %q, app_secrets: [%s], verify_token: bench}\naccounts:\n", addr, database, rules, meta, appSecret)
	for _, s := range all {
		own := filepath.Join(rules, s.account)
		if err := os.MkdirAll(own, 0o700); err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(own, "chat.yaml"), []byte(shopRules), 0o600); err != nil {
			return "", err
		}
		text = fmt.Appendf(text, "  - {id: %s, waba_id: %q, dataset_id: %q, access_token: %s, country: BR, currency: BRL, locale: pt-BR, timezone: America/Sao_Paulo}\n",
			s.account, s.waba, s.dataset, shopToken)
	}
	config = filepath.Join(folder, "clickthread.yaml")
	return config, os.WriteFile(config, text, 0o600)
}

// freeLoopback finds two addresses that nobody listens on.
func freeLoopback() (addresses [2]string, err error) {
	for i := range addresses {
		door, err := listen()
		if err != nil {
			return addresses, err
		}
		defer func() { _ = door.Close() }()
		addresses[i] = door.Addr().String()
	}
	return addresses, nil
}

func (c *child) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		if _, err := c.get(ctx, "/readyz"); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until the server is ready: %w", ctx.Err())
		case <-c.exited:
			return fmt.Errorf("the server ended: %w\n%s", cmp.Or(c.err, errors.New("of its own accord")), c.lastWords())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// get asks the server for one of its own pages.
func (c *child) get(ctx context.Context, path string) ([]byte, error) {
	return ask(ctx, http.MethodGet, c.url.JoinPath(path).String())
}

// ask sends a request without a body and reads an answer that is 200.
func ask(ctx context.Context, method, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, err
	}
	request.Close = true // an idle connection would keep the server from stopping at once
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s is answered %d: %s", request.URL.Path, answer.StatusCode, body)
	}
	return body, err
}

// stop ends the server as a supervisor would; one that does not listen is killed.
func (c *child) stop() error {
	if c == nil {
		return nil
	}
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // an error says that it ended already
	select {
	case <-c.exited:
	case <-time.After(stopLimit):
		_ = c.cmd.Process.Kill()
		<-c.exited
		return fmt.Errorf("the server did not stop within %s and was killed\n%s", stopLimit, c.lastWords())
	}
	if c.err != nil {
		return fmt.Errorf("the server ended: %w\n%s", c.err, c.lastWords())
	}
	return nil
}

// lastWords are the last lines of the server's log.
func (c *child) lastWords() string {
	log, err := os.ReadFile(c.log)
	if err != nil {
		return ""
	}
	const enough = 2000
	return string(log[max(0, len(log)-enough):])
}
