package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/sandbox"
	"github.com/clickthread/clickthread/sql"
	"github.com/clickthread/clickthread/webhook"
)

// Promise 10, and what an operator expects of every program that holds tokens: a day with everything that
// happens on one, seen from outside. Nothing that the program printed, logged or answered holds a canary:
// no secret of the settings, no full phone number, no e-mail, no message id.
func TestADayGivesNothingAway(t *testing.T) {
	meta := newChattyMeta(t)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = fmt.Fprintf(w, "%s %s %s", r.URL, r.Header, canaries["phone"])
	}))
	t.Cleanup(receiver.Close)
	v := newVictim(t, "", 1)
	day := secretDay{v, meta, map[string]string{}}
	day.settle(receiver.URL + "/" + canaries["notice path"])

	v.start(v.nodes[0])
	day.webhooks()
	v.until("Meta has answered in every way", func() bool { return meta.waysUsed() == len(meta.ways) && day.settled(len(meta.ways)) })
	day.door()
	day.commands()
	v.stop(v.nodes[0])
	day.printed["the server"] = v.nodes[0].output.String()

	meta.Close()
	v.start(v.nodes[0])
	day.sale(meta.way("remarks"), "AfeSecretLater")
	v.until("the dial was refused", func() bool { return day.settled(len(meta.ways) + 1) })
	day.printed["/readyz without Meta"] = day.get("/readyz")
	v.stop(v.nodes[0])
	day.printed["the server without Meta"] = v.nodes[0].output.String()
	day.wrongSettings()

	for where, text := range day.printed {
		for line := range strings.Lines(text) {
			if found := leak(line); found != "" {
				t.Errorf("%s gives away the %s: %s", where, found, line)
			}
		}
	}
}

// secretDay is a server whose settings, callers and Meta are full of canaries, and what it printed.
type secretDay struct {
	*victim
	meta    *chattyMeta
	printed map[string]string // by where
}

// settle writes the settings, with one account for each way to answer.
func (d secretDay) settle(receiver string) {
	d.Helper()
	folder := filepath.Dir(d.config)
	var s strings.Builder
	fmt.Fprintf(&s, `database: %q
master_key: %s
rules: %s
meta: {graph_url: %q, app_secrets: [%s], verify_token: %s, timeout: 1s}
notices: [{url: %q, secret: whsec_%s, allow_private: true}]
accounts:
`, d.database, canaries["master key"], filepath.Join(folder, "rules"), d.meta.URL, canaries["app secret"], canaries["verify token"],
		receiver, canaries["notice secret"])
	for i, way := range d.meta.ways {
		fmt.Fprintf(&s, `  - {id: %s, waba_id: %q, dataset_id: %q, access_token: %s, currency: BRL, locale: pt-BR, orders: {shopify: {secrets: [%s]}}}
`, way.name, d.waba(i), d.meta.dataset(i), canaries["access token"], canaries["shop secret"])
		rules := filepath.Join(folder, "rules", way.name)
		if err := os.MkdirAll(rules, 0o700); err != nil {
			d.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(rules, "rules.yaml"), []byte(testRules), 0o600); err != nil {
			d.Fatal(err)
		}
	}
	if err := os.WriteFile(d.config, []byte(s.String()), 0o600); err != nil {
		d.Fatal(err)
	}
}

func (d secretDay) waba(account int) string { return fmt.Sprintf("3001%04d", account) }

// shopper is a person that a canary names.
func (d secretDay) shopper(account int) *sandbox.Shopper {
	return &sandbox.Shopper{WABA: d.waba(account), PhoneNumberID: "700100", WAID: canaries["phone"], Name: canaries["e-mail"], Now: time.Now}
}

// post sends a signed body, which is to be answered 200.
func (d secretDay) post(body string) {
	d.Helper()
	status, err := sandbox.Post(d.Context(), nil, "http://"+d.nodes[0].addr+webhook.Path, canaries["app secret"], []byte(body))
	if err != nil || status != http.StatusOK {
		d.Errorf("a webhook was answered %d %v: %s", status, err, body)
	}
}

// say posts a notification under a message id that holds the phone number, as Meta's do.
func (d secretDay) say(n sandbox.Notification) {
	d.Helper()
	id := strings.ReplaceAll(n.ID, "/", `\/`)
	d.post(strings.ReplaceAll(string(n.Body), id, canaries["message id"]+id[len(id)-8:]))
}

// sale is a click and what it led to.
func (d secretDay) sale(account int, clickID string) {
	d.Helper()
	who := d.shopper(account)
	d.say(who.Click(ad(clickID), "oi, meu e-mail: "+canaries["e-mail"]))
	d.say(who.Say("ligue para " + canaries["other phone"]))
	d.say(who.Say("paguei R$ 5,00"))
}

// webhooks are a sale of every account, and what else Meta may post.
func (d secretDay) webhooks() {
	d.Helper()
	for i := range d.meta.ways {
		d.sale(i, fmt.Sprintf("AfeSecret%d", i))
	}
	stranger := d.shopper(0)
	stranger.WAID = canaries["other phone"]
	d.say(stranger.Say("quanto custa?")) // unattributed
	stranger.WABA = "399900"
	d.say(stranger.Say(canaries["phone"])) // nobody's account
	for _, body := range d.strangeBodies() {
		d.post(body)
	}
}

// strangeBodies are notifications with canaries where something else is expected.
func (d secretDay) strangeBodies() []string {
	all := strings.Join(slices.Sorted(maps.Values(canaries)), " ")
	text := fmt.Sprintf("%q", all)
	bodies := []string{all, "[" + text + "]", `{"object":` + text + `}`, `{"object":"whatsapp_business_account","entry":[{"id":{"x":` + text + `}}]}`}
	for _, value := range []string{
		`{"messages":` + text + `}`, `{"messages":[` + text + `]}`, `{"contacts":[{"wa_id":[` + text + `]}]}`,
		`{"messages":[{"id":"m1","from":"1","type":"text","timestamp":` + text + `,"text":{"body":"oi"}}]}`,
		`{"messages":[{"id":"m2","from":["` + canaries["phone"] + `"],"type":"text","text":{"body":"oi"}}]}`,
		`{"messages":[{"id":"m3","from":"` + canaries["phone"] + `","type":` + text + `,"text":[` + text + `]}]}`,
		`{"messages":[{"id":"` + canaries["message id"] + `","type":"text","text":{"body":` + text + `}}]}`,
		`{"messages":[{"id":"m5","from":"` + canaries["phone"] + `","type":"system","system":{"type":"user_changed_number","wa_id":"` +
			canaries["new phone"] + `","body":` + text + `}}]}`,
		`{"messages":[{"id":"m6","from":"` + canaries["phone"] + `","type":"unsupported","errors":[{"code":131051,"title":` + text + `,"message":` + text + `}]}]}`,
		`{"statuses":[{"id":"` + canaries["message id"] + `","status":` + text + `,"recipient_id":"` + canaries["phone"] + `","errors":[{"code":1,"title":` + text + `}]}]}`,
		`{"statuses":[` + text + `]}`,
		`{"errors":[{"code":130429,"title":"Rate limit hit","message":` + text + `,"error_data":{"details":` + text + `}}]}`,
	} {
		for _, field := range []string{`"messages"`, text} {
			bodies = append(bodies, `{"object":"whatsapp_business_account","entry":[{"id":"`+d.waba(0)+`","changes":[{"field":`+field+`,"value":`+value+`}]}]}`)
		}
	}
	return bodies
}

// settled: there are so many events, and a call of each has ended.
func (d secretDay) settled(events int) bool {
	store := d.open()
	defer func() { _ = store.Close() }()
	deliveries, err := store.Deliveries(d.Context(), sql.Filter{Limit: 1000})
	if err != nil {
		d.Fatal(err)
	}
	untried := func(e forwarder.Delivery) bool { return e.Call == uuid.Nil || e.Status == forwarder.Sending }
	return len(deliveries) == events && !slices.ContainsFunc(deliveries, untried)
}

// door asks for everything that can be asked of the server, also in the wrong way.
func (d secretDay) door() {
	d.Helper()
	wrong := strings.Join(slices.Sorted(maps.Values(canaries)), "+")
	for _, path := range []string{
		"/metrics", "/readyz", "/healthz", "/" + canaries["phone"] + "?token=" + canaries["access token"],
		webhook.Path + "?hub.mode=subscribe&hub.challenge=1158&hub.verify_token=" + canaries["verify token"],
		webhook.Path + "?hub.mode=subscribe&hub.challenge=1158&hub.verify_token=" + wrong,
		webhook.Path + "?hub.mode=subscribe&hub.challenge=%3C" + wrong + "&hub.verify_token=" + canaries["verify token"],
	} {
		d.printed[strings.SplitN(path, "?", 2)[0]] += d.get(path)
	}
	for _, secret := range []string{canaries["access token"], canaries["verify token"]} {
		if status, err := sandbox.Post(d.Context(), nil, "http://"+d.nodes[0].addr+webhook.Path, secret, []byte(wrong)); status != http.StatusUnauthorized {
			d.Errorf("a webhook with a wrong signature: %d %v", status, err)
		}
	}
}

// get is an answer's header and body.
func (d secretDay) get(path string) string {
	d.Helper()
	resp, err := http.Get("http://" + d.nodes[0].addr + path)
	if err != nil {
		d.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		d.Fatal(err)
	}
	return fmt.Sprintf("%s %s\n%s", resp.Status, resp.Header, body)
}

// wrongSettings spoils the settings in many ways: what is said about a place must not quote it.
func (d secretDay) wrongSettings() {
	d.Helper()
	good, err := os.ReadFile(d.config)
	if err != nil {
		d.Fatal(err)
	}
	token := "access_token: " + canaries["access token"]
	for i, wrong := range []string{
		"acces_token: " + canaries["access token"], "access_token: [" + canaries["access token"] + "]",
		"access_token: {" + canaries["access token"] + ": 1}", "access_token: *" + canaries["access token"],
		`access_token: "` + canaries["access token"], "access_token: !" + canaries["access token"] + " x",
		canaries["access token"] + ": x", token + ", waba_id: " + canaries["access token"], token + ", locale: " + canaries["access token"] + "}}",
	} {
		if err := os.WriteFile(d.config, []byte(strings.Replace(string(good), token, wrong, 1)), 0o600); err != nil {
			d.Fatal(err)
		}
		if d.command("events", "ls") {
			d.Errorf("settings with %s are taken", wrong)
		}
		d.printed[fmt.Sprintf("the settings, wrong in way %d", i)] = d.printed["events ls"]
	}
}
