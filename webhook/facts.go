package webhook

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/reason"
	"github.com/clickthread/clickthread/rules"
	"github.com/clickthread/clickthread/whatsapp"
)

// heard is what the bytes of a trigger say by themselves, whoever and wherever it was.
type heard struct {
	facts   rules.Facts
	who     attribution.Identity // the shopper, as far as it names one
	clickID string               // of a conversion that Meta detected: the click that Meta means
}

// hear reads a trigger's bytes. said is the message in them, where they were decoded already.
func (p *Planner) hear(source attribution.Source, body []byte, said *whatsapp.Message) (h heard, err error) {
	switch source {
	case attribution.Status:
		h, err = p.hearStatus(body)
	case attribution.Detected:
		h, err = hearDetected(body)
	case attribution.Report:
		h, err = p.hearReport(body)
	default:
		h, err = hearMessage(source, body, said)
	}
	if err != nil {
		return h, fmt.Errorf("%w: %w", errPlan, err)
	}
	return h, nil
}

func hearMessage(source attribution.Source, body []byte, said *whatsapp.Message) (heard, error) {
	if said == nil {
		m, err := whatsapp.DecodeMessage(body)
		if err != nil {
			return heard{}, err
		}
		said = &m
	}
	f := rules.Facts{Text: said.Text, Caption: said.Caption}
	if source == attribution.Echo {
		f.Ours = true
		return heard{facts: f, who: attribution.Identity{WAID: said.To, UserID: said.ToUserID}}, nil
	}
	f.Tap, f.Cart = tapOf(said.Tap), cartOf(said.Order)
	return heard{facts: f, who: attribution.Identity{WAID: said.WAID, UserID: said.UserID}}, nil
}

// hearStatus reads the status of a template, which the sender named in the status's callback data.
func (p *Planner) hearStatus(body []byte) (heard, error) {
	s, err := whatsapp.DecodeStatus(body)
	if err != nil {
		return heard{}, err
	}
	h := heard{who: attribution.Identity{WAID: s.WAID, UserID: s.UserID}, facts: rules.Facts{Trigger: p.sent(s.ID), Ours: true}}
	if t, ok := parseTemplate(s.CallbackData); ok {
		t.Status = s.State
		h.facts.Template = &t
	}
	return h, nil
}

func hearDetected(body []byte) (heard, error) {
	e, err := whatsapp.DecodeAutomaticEvent(body)
	return heard{clickID: e.ClickID, facts: rules.Facts{
		Detected: &rules.Detected{Event: e.EventName, Amount: e.Amount(), Currency: e.Currency},
	}}, err
}

func (p *Planner) hearReport(body []byte) (heard, error) {
	var s Sent
	if err := json.Unmarshal(body, &s); err != nil {
		return heard{}, fmt.Errorf("decode report: %w", err)
	}
	h := heard{who: attribution.Identity{WAID: s.WAID, UserID: s.UserID}, facts: rules.Facts{Trigger: p.sent(s.ID), Ours: true, Text: s.Text}}
	if t := s.Template; t != nil {
		h.facts.Template = &rules.Template{Name: t.Name, Language: t.Language, Status: "sent", Parameters: t.Parameters}
	}
	return h, nil
}

// sent names a message of the business's: the same for all its statuses and for the report of it.
func (p *Planner) sent(messageID string) string {
	key := p.Key(messageID)
	return "sent-" + hex.EncodeToString(key[:])
}

// factsOf tells the rules what was heard and what is known about its conversation.
func (b *batch) factsOf(h heard, tr trigger, click attribution.Click, why reason.Code, quotes bool) rules.Facts {
	t, f := tr.thread, h.facts
	f.Number, f.At, f.NoClick = t.Number, tr.at, why
	if f.Trigger == "" {
		f.Trigger = tr.id.String()
	}
	f.Claimed = func(key string) rules.ClaimState { return b.book.state(t.Account, key) }
	f.Sent = b.book.sent(t, tr.at)
	for _, id := range t.IDs {
		f.Conversations = append(f.Conversations, id.String())
	}
	if why == reason.None {
		f.Click = &rules.Click{
			Key: click.Key(), AdID: click.AdID, SourceType: click.SourceType, URL: click.SourceURL,
			Headline: click.Headline, At: click.At,
		}
	}
	if quotes {
		f.Quoted = b.quoted(tr)
	}
	return f
}

// quoted are the texts that the business wrote up to a trigger, the newest first.
func (b *batch) quoted(tr trigger) (texts []string) {
	for i := range tr.thread.Quotes {
		q := &tr.thread.Quotes[i]
		if q.At.After(tr.at) {
			continue
		}
		if q.Text == nil {
			h, _ := b.hear(q.Source, q.Body, nil) // what cannot be read says nothing
			text := h.facts.Text + h.facts.Caption
			q.Text = &text
		}
		texts = append(texts, *q.Text)
	}
	return texts
}

func tapOf(t *whatsapp.Tap) *rules.Tap {
	if t == nil {
		return nil
	}
	return &rules.Tap{Kind: string(t.Kind), ID: t.ID, Title: t.Title, Name: t.Name, Answers: t.Answers}
}

func cartOf(order *whatsapp.Cart) *rules.Cart {
	if order == nil {
		return nil
	}
	cart := &rules.Cart{}
	for _, item := range order.Items {
		cart.Items = append(cart.Items, rules.CartItem{
			ID: item.RetailerID, Quantity: item.Quantity, Price: item.Price, Currency: item.Currency,
		})
	}
	return cart
}

// Ask puts into an arrival what the rules of its account ask for besides what is known of every
// conversation, before that is read.
func (p *Planner) Ask(a *attribution.Arrival) {
	set := p.Rules.Set(a.Account)
	hears := set.Hears()
	a.Quotes, a.Keys, a.Asked = hears.Quotes, nil, asked(set)
	if !hears.Dedupes {
		return
	}
	if h, err := p.hear(a.Source, a.Body, a.Said); err == nil { // what cannot be read is told of by the plan
		h.facts.Number, h.facts.At = a.Number, a.At
		if h.facts.Trigger == "" {
			h.facts.Trigger = a.ID.String()
		}
		a.Keys = set.DedupeKeys(h.facts)
	}
}
