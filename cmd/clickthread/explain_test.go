package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/configs"
	"github.com/clickthread/clickthread/sandbox"
	"github.com/clickthread/clickthread/sql"
)

var updateExplained = flag.Bool("update-explained", false, "write testdata/explain/*.want anew")

// settingsFile writes the house's settings as far as commands beside the server need them.
func (h *house) settingsFile() string {
	h.Helper()
	s := h.app.settings
	text := fmt.Sprintf("database: %q\nrules: %q\nmeta: {app_secrets: [s], verify_token: v}\nretention: {text: %s}\naccounts:\n", s.Database, s.Rules, s.Retention.Text)
	for _, a := range s.Accounts {
		text += fmt.Sprintf("  - {id: %s, waba_id: %q, dataset_id: %q, access_token: t, country: BR, currency: BRL, locale: pt-BR, timezone: America/Sao_Paulo}\n",
			a.ID, a.WABAID, a.DatasetID)
	}
	file := filepath.Join(h.TempDir(), "settings.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		h.Fatal(err)
	}
	return file
}

// explains runs "rules explain" beside the server, after what every ten seconds is written was written. What it
// prints gives nobody away.
func (h *house) explains(code int, args ...string) string {
	h.Helper()
	if _, err := h.app.flush(h.Context()); err != nil {
		h.Fatal(err)
	}
	var out, errs bytes.Buffer
	args = append([]string{"rules", "explain", "--config", h.settingsFile()}, args...)
	if got := run(h.Context(), args, &out, &errs); got != code {
		h.Fatalf("%v ends with %d, want %d: %s%s", args[4:], got, code, &out, &errs)
	}
	said := out.String() + errs.String()
	for _, secret := range []string{"5511987650001", "7001002003004005", "wamid", "example.com"} {
		if strings.Contains(said, secret) {
			h.Errorf("%v gives %s away:\n%s", args[4:], secret, said)
		}
	}
	return said
}

var (
	printedTime = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`)
	printedID   = regexp.MustCompile(`(evt|msg)_[0-9a-f]{32}`)
	printedSet  = regexp.MustCompile(`set [0-9a-f]{12}`)
)

// golden compares what was printed with a file of testdata/explain, where times and ids are not their own.
func (h *house) golden(name, printed string) {
	h.Helper()
	names := map[string]string{}
	printed = printedTime.ReplaceAllString(printed, "YYYY-MM-DD hh:mm:ss")
	printed = printedSet.ReplaceAllString(printed, "set 0123456789ab")
	printed = printedID.ReplaceAllStringFunc(printed, func(id string) string {
		if names[id] == "" {
			names[id] = fmt.Sprintf("%s_%032d", id[:3], len(names)+1)
		}
		return names[id]
	})
	printed = strings.ReplaceAll(printed, filepath.Dir(filepath.Clean(h.app.settings.Rules))+"/", "")
	file := filepath.Join("testdata", "explain", name+".want")
	if *updateExplained {
		if err := os.WriteFile(file, []byte(printed), 0o600); err != nil {
			h.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		h.Fatal(err)
	}
	if diff := cmp.Diff(string(want), printed); diff != "" {
		h.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// explained is what "rules explain" says of a message, by rule: mark and sentence.
func (h *house) explained(args ...string) (map[string]string, explanation) {
	h.Helper()
	var e explanation
	if err := json.Unmarshal([]byte(h.explains(exitOK, append(args, "--json")...)), &e); err != nil {
		h.Fatal(err)
	}
	rules := map[string]string{}
	for _, r := range e.Rules {
		rules[r.Rule] = r.Mark + ": " + r.Why
	}
	return rules, e
}

// messages are the stored messages that a rule was last tried on, the newest first.
func (h *house) messages(rule string) (ids []string) {
	h.Helper()
	if _, err := h.app.flush(h.Context()); err != nil {
		h.Fatal(err)
	}
	list, err := h.app.store.Evaluations(h.Context(), "shop", rule)
	if err != nil {
		h.Fatal(err)
	}
	for _, e := range list {
		ids = append(ids, "msg_"+hexID(e.Trigger))
	}
	return ids
}

// A merchant asks why a message did not fire, in every way that there is: by a text, an event, a message, and
// a rule.
func TestExplainAnswersWhyNot(t *testing.T) {
	h := openHouse(t, testRules)
	ana := h.ana()
	begin := time.Now().Add(-time.Hour).Truncate(time.Second)
	h.post(ana, ana.At(begin).Click(ad("Clid1"), "oi"))
	h.post(ana, ana.At(begin.Add(time.Minute)).Say("quanto custa?"))
	again := ana.At(begin.Add(2 * time.Minute)).Say("e quanto custa o azul? meu email: ana@example.com")
	h.post(ana, again)
	h.post(ana, ana.At(begin.Add(3*time.Minute)).Say("paguei R$ 50,00"))
	h.deliver()
	purchase := h.deliveries()[0]

	h.golden("a text", h.explains(exitOK, "--message", "quanto custa o frete?", "--at", "2026-03-09T14:30:00Z"))
	h.golden("an event", h.explains(exitOK, eventID(purchase.ID)))
	if byMeta := h.explains(exitOK, purchase.EventID); byMeta != h.explains(exitOK, eventID(purchase.ID)) {
		t.Errorf("by Meta's event id it says\n%s", byMeta)
	}

	blocked := h.messages("asked-price")[0]
	h.golden("a message that once blocks", h.explains(exitOK, blocked))
	if byMeta := h.explains(exitOK, again.ID); byMeta != h.explains(exitOK, blocked) {
		t.Errorf("by Meta's message id it says\n%s", byMeta)
	}
	h.golden("a rule", h.explains(exitOK, "asked-price"))
	h.golden("nothing by this id", h.explains(exitFindings, "wamid.HBgNNTUxMTk4NzY1MDAwMRUCABIYFDNB"))
	h.explains(exitFindings, "evt_0197a1b2c3d4e5f60718293a4b5c6d7e")
	h.explains(exitUsage, "asked-price", "--account", "nobody")
	h.explains(exitUsage, "asked-price", "--message", "oi")
	h.explains(exitUsage, "asked-price", "--we")
	if n := h.rowCounts(); n["deliveries"] != 2 || n["claims"] != 2 {
		t.Errorf("explaining recorded something: %v", n)
	}
}

// A message is judged by what was recorded before it, whatever came later.
func TestExplainJudgesAsOfThen(t *testing.T) {
	h, ana := engine(t, `
		{id: paid, when: {customer_says: paguei}, send: Purchase, value: {from: message}, once: per_conversation}
		{id: lead, when: {customer_says: "quanto custa"}, send: LeadSubmitted, if: {already_sent: {none: [Purchase]}}}
		{id: quoted, when: {customer_says: fechado}, send: AddToCart, value: {from: last_amount_we_quoted}}
		{id: order, when: {customer_says: "pedido {order_no}"}, send: OrderCreated, dedupe: "{order_no}"}`)
	begin := time.Now().Add(-time.Hour)
	at := func(minute int) *sandbox.Shopper { return ana.At(begin.Add(time.Duration(minute) * time.Minute)) }
	lead := at(9).Say("quanto custa?")
	h.post(ana, lead)
	h.post(ana, at(1).Click(ad("Clid1"), "oi")) // comes late, and revives the question
	unclear, clearly, late := at(10).Say("paguei"), at(11).Say("paguei R$ 80,00"), at(12).Say("paguei R$ 90,00")
	for _, n := range []sandbox.Notification{unclear, clearly, late} {
		h.post(ana, n)
	}
	asked := at(13).Say("quanto custa o outro?")
	h.post(ana, asked)
	h.echoes("e1", begin.Add(14*time.Minute), "fica R$ 35,00")
	closed := at(15).Say("fechado")
	h.post(ana, closed)
	h.echoes("e2", begin.Add(16*time.Minute), "agora R$ 99,00")
	ben := h.ana()
	ben.WAID, ben.UserID = "5511987650002", "BR.2"
	h.post(ana, at(20).Say("pedido 4512"))
	h.post(ben, ben.At(begin).Click(ad("Clid2"), "oi"))
	twice := ben.At(begin.Add(21 * time.Minute)).Say("pedido 4512")
	h.post(ben, twice)
	h.deliver()

	for _, c := range []struct{ name, rule, id, want string }{
		{"revived", "lead", lead.ID, `fires: sends it, because the customer said "quanto custa"`},
		{"held at first", "paid", unclear.ID, `held: the customer said "paguei", but the rule needs an amount with a currency and found none`},
		{"completed it", "paid", clearly.ID, `fires: sends it, because the customer said "paguei"`},
		{"after it", "paid", late.ID, `blocked: the customer said "paguei", but the rule already fired as often as its 'once' allows: once in each conversation`},
		{"an if", "lead", asked.ID, `no: the customer said "quanto custa", but one of Purchase was sent before`},
		{"a quote", "quoted", closed.ID, `fires: sends it, because the customer said "fechado"`},
		{"a dedupe elsewhere", "order", twice.ID, `blocked: the customer said "pedido {order_no}", but an event with the same 'dedupe' was recorded already`},
	} {
		rules, e := h.explained(c.id)
		if rules[c.rule] != c.want {
			t.Errorf("%s: %s, want %s", c.name, rules[c.rule], c.want)
		}
		for _, r := range e.Rules {
			if r.Rule == "quoted" && c.rule == "quoted" && r.Value != "35.00 BRL" {
				t.Errorf("%s: value %s, want what was quoted before", c.name, r.Value)
			}
			if r.Mark == "blocked" && r.TakenBy == "" {
				t.Errorf("%s: it does not say by which event", c.name)
			}
		}
	}
}

// Without the text the rules cannot be tried again, but what was written down is still told.
func TestExplainWithoutTheText(t *testing.T) {
	h := openHouse(t, testRules, func(s *configs.Settings) { s.Retention.Text = 0 })
	ana := h.ana()
	h.post(ana, ana.Click(ad("Clid1"), "quanto custa?"))
	again := ana.Say("quanto custa o azul?")
	h.post(ana, again)
	h.golden("a message without its text", h.explains(exitOK, h.messages("asked-price")[0]))
	h.golden("an event without its text", h.explains(exitOK, eventID(h.deliveries()[0].ID)))
	if said := h.explains(exitFindings, again.ID); !strings.Contains(said, "no text is stored (retention.text is 0)") {
		t.Errorf("by Meta's id it says %s", said)
	}
	stranger := h.ana()
	stranger.WAID, stranger.UserID = "5511987650009", "BR.9"
	h.post(stranger, stranger.Say("paguei R$ 5,00")) // waits for its click, with its text
	if rules, _ := h.explained(h.messages("paid")[0]); !strings.HasPrefix(rules["paid"], "unattributed: ") {
		t.Errorf("what waits: %v", rules)
	}
}

// Rules that changed since are said to have, and what an event's message is too old for, too.
func TestExplainSaysThatRulesChanged(t *testing.T) {
	h := openHouse(t, testRules)
	ana := h.ana()
	h.post(ana, ana.Click(ad("Clid1"), "quanto custa?"))
	lead := eventID(h.deliveries()[0].ID)
	if _, e := h.explained(lead); e.Changed {
		t.Errorf("unchanged rules have changed: %v", e.Notes)
	}
	settings := h.app.settings
	if err := h.app.close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(settings.Rules, "shop", "rules.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(testRules, "asked-price", "asked")), 0o600); err != nil {
		t.Fatal(err)
	}
	h.start(settings)
	rules, e := h.explained(lead)
	if !e.Changed || !strings.HasPrefix(rules["asked"], "fires: ") {
		t.Errorf("changed %v: %v %v", e.Changed, rules, e.Notes)
	}
	if said := h.explains(exitOK, "asked-price"); !strings.Contains(said, "not among the rules in force") {
		t.Errorf("a rule that is gone: %s", said)
	}
	ana = h.ana() // who writes to the restarted server
	old := ana.At(time.Now().Add(-8 * 24 * time.Hour)).Say("quanto custa?")
	h.post(ana, old)
	if rules, _ := h.explained(old.ID); !strings.HasPrefix(rules["asked"], "no: it was more than 7 days old when it came") {
		t.Errorf("an old message: %v", rules)
	}
}

// What the business writes, templates and Meta's own events are explained like messages.
func TestExplainWhatIsNotTheCustomers(t *testing.T) {
	h, ana := engine(t, `
		{id: confirmed, when: {we_say: "pedido confirmado"}, send: OrderCreated}
		{id: receipt, when: {we_send_template: {name: receipt, status: read}}, send: Purchase, value: {amount: 5}}`)
	h.post(ana, ana.Click(ad("Clid1"), "oi"))
	h.echoes("wamid.e1", time.Now(), "pedido confirmado")
	h.status("wamid.t1", "delivered", "tpl:receipt;p1=x")
	h.detects("d1", "LeadSubmitted", "Clid1", 0)
	if rules, e := h.explained("wamid.e1"); !strings.HasPrefix(rules["confirmed"], "fires: ") || !e.Message.Ours || e.Message.With == "" {
		t.Errorf("an echo: %v %+v", rules, e.Message)
	}
	if rules, _ := h.explained("wamid.t1"); rules["receipt"] != "no: the template was delivered, and it waits for read" {
		t.Errorf("a status: %v", rules)
	}
	list, err := h.app.store.Deliveries(t.Context(), sql.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	if rules, _ := h.explained(eventID(list[0].ID)); !strings.HasPrefix(rules["automatic:LeadSubmitted"], "fires: ") {
		t.Errorf("what Meta detected: %v", rules)
	}
	if said := h.explains(exitOK, "automatic:LeadSubmitted"); !strings.Contains(said, "fire") {
		t.Errorf("the ring of an automatic rule: %s", said)
	}
}
