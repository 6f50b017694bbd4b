package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/forwarder"
	"github.com/clickthread/clickthread/sql"
	"github.com/clickthread/clickthread/whatsapp"
)

type eventsShowCmd struct {
	configFlag
	ID   string `arg:"" help:"evt_..., msg_... or the event id that Meta saw."`
	JSON bool   `help:"Print as JSON." name:"json"`
}

// Help shows an example below the flags.
func (eventsShowCmd) Help() string {
	return "Example:\n  clickthread events show evt_0197a1b2c3d4e5f60718293a4b5c6d7e"
}

// eventDetail is all that is known about one event.
type eventDetail struct {
	eventLine
	Why      string          `json:"matched,omitempty"`
	RuleSet  string          `json:"rule_set,omitempty"`
	Detail   string          `json:"detail,omitempty"`
	Claim    string          `json:"claim,omitempty"`
	ClickAt  *time.Time      `json:"click_time,omitempty"`
	Message  *messageDetail  `json:"message,omitempty"`
	Payload  json.RawMessage `json:"payload,omitempty"` // the exact bytes that are sent
	Unknowns int             `json:"calls_with_unknown_outcome"`
	Calls    []callDetail    `json:"calls"`
}

type messageDetail struct {
	ID   string    `json:"id"`
	Type string    `json:"type"`
	At   time.Time `json:"time"`
	From string    `json:"from"` // masked
	Says string    `json:"says"`
}

type callDetail struct {
	ID         string            `json:"id"`
	Outcome    forwarder.Outcome `json:"outcome"`
	StartedAt  time.Time         `json:"started_at"`
	Events     int               `json:"events"`
	Revision   int               `json:"revision"` // of this event's bytes in it
	HTTPStatus int               `json:"http_status,omitempty"`
	Code       int               `json:"code,omitempty"`
	Subcode    int               `json:"subcode,omitempty"`
	Words      string            `json:"words,omitempty"`
	TraceID    string            `json:"trace_id,omitempty"`
	Answer     string            `json:"answer,omitempty"` // as received
}

// Run shows every event that the id names: a message may have caused several.
func (c *eventsShowCmd) Run(ctx context.Context, out *console) error {
	store, err := c.openLedger(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	details, err := c.find(ctx, store)
	if err != nil {
		return err
	}
	if len(details) == 0 {
		return fmt.Errorf("no event %q; list them with: clickthread events ls", c.ID)
	}
	if c.JSON {
		return out.json(details)
	}
	for i, d := range details {
		if i > 0 {
			out.printf("\n")
		}
		d.print(out)
	}
	return nil
}

func (c *eventsShowCmd) find(ctx context.Context, store *sql.Store) ([]eventDetail, error) {
	id := parseID(c.ID)
	deliveries, err := store.FindDeliveries(ctx, id, c.ID)
	if err != nil {
		return nil, err
	}
	var details []eventDetail
	for _, d := range deliveries {
		detail, err := detailOf(ctx, store, d)
		if err != nil {
			return nil, err
		}
		details = append(details, detail)
	}
	waiting, err := store.WaitingFor(ctx, id)
	for _, w := range waiting {
		details = append(details, eventDetail{
			eventLine: lineOfMatch(w),
			Message:   messageOf(sql.Message{ID: w.Trigger, At: w.At, Body: w.Body}),
			Calls:     []callDetail{},
		})
	}
	return details, err
}

func detailOf(ctx context.Context, store *sql.Store, d forwarder.Delivery) (eventDetail, error) {
	detail := eventDetail{
		eventLine: lineOf(d), Why: d.Why, RuleSet: d.RuleSet, Detail: d.Detail, Claim: d.Claim,
		Payload: d.Payload, Unknowns: d.Unknowns, Calls: []callDetail{},
	}
	if !d.ClickAt.IsZero() {
		detail.ClickAt = &d.ClickAt
	}
	m, ok, err := store.Message(ctx, d.Account, d.Trigger)
	if err != nil {
		return detail, err
	}
	if ok {
		detail.Message = messageOf(m)
	}
	calls, err := store.Calls(ctx, d)
	for _, call := range calls {
		detail.Calls = append(detail.Calls, callDetail{
			ID: "call_" + hexID(call.ID), Outcome: call.Outcome, StartedAt: call.StartedAt, Events: call.Events,
			Revision: max(call.Revision, forwarder.Frozen), HTTPStatus: call.HTTPStatus, Code: call.Code, Subcode: call.Subcode, Words: call.Words,
			TraceID: call.TraceID, Answer: string(call.Answer),
		})
	}
	return detail, err
}

// messageOf says what came in, with the sender masked.
func messageOf(m sql.Message) *messageDetail {
	d := &messageDetail{ID: "msg_" + hexID(m.ID), At: m.At, Type: m.Type, Says: "(the text was pruned)"}
	msg, err := whatsapp.DecodeMessage(m.Body)
	if err != nil {
		return d
	}
	d.Type, d.Says = msg.Type, says(msg)
	d.From = account.MaskPhone(msg.WAID)
	if d.From == "" {
		d.From = account.MaskPhone(msg.UserID)
	}
	return d
}

// says puts a message into one line.
func says(m whatsapp.Message) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if text := m.Text + m.Caption; text != "" {
		add("%q", text)
	}
	if m.Tap != nil {
		add("taps %s %q (%s)", m.Tap.Kind, m.Tap.Title, m.Tap.ID)
	}
	if m.Order != nil {
		add("sends a cart of %s", plural(len(m.Order.Items), "item"))
	}
	if m.Referral != nil {
		add("(first message after a click on %s %s)", m.Referral.SourceType, m.Referral.SourceID)
	}
	if len(parts) == 0 {
		return "(" + m.Type + ")"
	}
	return strings.Join(parts, " ")
}

func (d eventDetail) print(out *console) {
	state := map[forwarder.Status]func(string) string{
		forwarder.Sent: out.green, forwarder.Rejected: out.red, forwarder.Expired: out.red, forwarder.Held: out.yellow,
		forwarder.Unattributed: out.yellow,
	}[d.State]
	if state == nil {
		state = out.bold
	}
	line := func(key, format string, args ...any) {
		if text := fmt.Sprintf(format, args...); text != "" {
			out.printf("  %s %s\n", out.dim(fmt.Sprintf("%-9s", key)), text)
		}
	}
	out.printf("%s  %s  %s\n", out.bold(d.Event), state(string(d.State)), d.Value)
	line("id", "%s", d.ID)
	line("account", "%s", d.Account)
	if d.Reason != "" {
		line("why", "%s: %s", d.Reason, d.Words)
	}
	line("detail", "%s", d.Detail)
	if d.Message != nil {
		line("came in", "%s  %s  from %s: %s", when(d.Message.At), d.Message.Type, d.Message.From, d.Message.Says)
	}
	line("rule", "%s", strings.TrimSpace(d.Rule+"  "+d.Why))
	if d.RuleSet != "" {
		line("rule set", "%.12s", d.RuleSet)
	}
	if d.ClickAt != nil {
		line("click", "%s  ad %s", when(*d.ClickAt), d.AdID)
	}
	line("event", "time %s  %s", when(d.EventAt), d.EventID)
	d.printWay(line)
	if len(d.Payload) > 0 {
		line("bytes", "%s", d.Payload)
	}
	for _, c := range d.Calls {
		line("call", "%s  %s  %s in it, revision %d  %s", when(c.StartedAt), c.Outcome, plural(c.Events, "event"), c.Revision, c.ID)
		line("", "%s", c.Words)
		line("Meta says", "%s", metaWords(c.Answer))
		line("answer", "%s", answer(c))
	}
	if d.Unknowns > 0 {
		line("note", "%s left without an answer: Meta may have counted this event more than once", plural(d.Unknowns, "call"))
	}
}

// printWay says where the event goes, as what, and when it is tried next.
func (d eventDetail) printWay(line func(key, format string, args ...any)) {
	line("dataset", "%s", d.Dataset)
	if d.TestCode != "" {
		line("test", "%s: Meta shows it under Test events, and counts it all the same", d.TestCode)
	}
	switch {
	case d.NextTry == nil:
	case d.NextTry.After(now()):
		line("next try", "%s", when(*d.NextTry))
	default:
		line("next try", "as soon as the account sends")
	}
}

// metaWords are Meta's own about its refusal, in the language of the token's owner; "" where it has none.
func metaWords(answer string) string {
	var a struct {
		Error struct {
			Title   string `json:"error_user_title"`
			Text    string `json:"error_user_msg"`
			Message string `json:"message"`
		} `json:"error"`
	}
	_ = json.Unmarshal([]byte(answer), &a) // a proxy's page is shown as it is
	words := slices.DeleteFunc([]string{a.Error.Title, a.Error.Text, a.Error.Message}, func(s string) bool { return s == "" })
	if len(words) == 0 {
		return ""
	}
	return fmt.Sprintf("%q", strings.Join(words, ": "))
}

func answer(c callDetail) string {
	if c.HTTPStatus == 0 {
		return "(no answer)"
	}
	body := strings.TrimSpace(c.Answer)
	if compact := (&bytes.Buffer{}); json.Compact(compact, []byte(body)) == nil {
		body = compact.String()
	}
	return fmt.Sprintf("%d %s", c.HTTPStatus, body)
}
