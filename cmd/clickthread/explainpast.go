package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/configs"
	"github.com/clickthread/clickthread/rules"
	"github.com/clickthread/clickthread/sql"
	"github.com/clickthread/clickthread/webhook"
)

// past is the ledger as it is asked about what happened.
type past struct {
	store    *sql.Store
	settings configs.Settings
	accounts []account.Account // those that are asked about
	json     bool
}

func (c *explainCmd) openPast(ctx context.Context) (*past, error) {
	s, err := c.load()
	if err != nil {
		return nil, err
	}
	p := &past{settings: s, accounts: s.Registry().All(), json: c.JSON}
	if c.Account != "" {
		p.accounts = slices.DeleteFunc(p.accounts, func(a account.Account) bool { return a.ID != c.Account })
		if len(p.accounts) == 0 {
			return nil, usage(fmt.Errorf("the settings have no account %q; see them with: clickthread accounts ls", c.Account))
		}
	}
	if p.store, err = sql.Open(ctx, sql.Options{URL: s.Database, MustExist: true}); err != nil {
		return nil, unreachable(err)
	}
	return p, nil
}

// asks reports whether an account is one of those that are asked about.
func (p *past) asks(accountID string) bool {
	return slices.ContainsFunc(p.accounts, func(a account.Account) bool { return a.ID == accountID })
}

// set is the rules in force of an account: its last good ones, as every node keeps them.
func (p *past) set(ctx context.Context, accountID string) (*rules.Set, error) {
	sources, _, err := p.store.LastRuleSet(ctx, accountID)
	if err != nil {
		return nil, fmt.Errorf("read the rules in force of %s: %w", accountID, err)
	}
	for _, owner := range owners(p.settings.Registry()) {
		if owner.ID == accountID {
			return setFrom(owner, sources), nil
		}
	}
	return nil, nil
}

// happened is something that happened, as far as it is still stored.
type happened struct {
	sql.Message
	gone bool // the message itself is pruned
}

// find looks for an event or a message by our ids, or for an event by the id that Meta saw.
func (p *past) find(ctx context.Context, name string) (m happened, ok bool, err error) {
	id := parseID(name)
	deliveries, err := p.store.FindDeliveries(ctx, id, name)
	if err != nil {
		return m, false, err
	}
	for _, d := range deliveries {
		found := happened{Message: sql.Message{Account: d.Account, ID: d.Trigger, Conversation: d.Conversation, At: d.EventAt, ReceivedAt: d.CreatedAt}}
		switch {
		case !p.asks(d.Account):
		case !ok:
			m, ok = found, true
		case m.Account != d.Account:
			return m, false, usage(fmt.Errorf("several accounts have this event; say which: --account %s, --account %s", m.Account, d.Account))
		}
	}
	if ok {
		id = m.ID
	}
	if id == uuid.Nil {
		return m, ok, nil
	}
	for _, a := range p.accounts {
		stored, there, err := p.store.Message(ctx, a.ID, id)
		if err != nil {
			return m, false, fmt.Errorf("read a message of %s: %w", a.ID, err)
		}
		if there {
			stored.Body, err = p.text(ctx, stored)
			return happened{Message: stored}, true, err
		}
	}
	m.gone = true
	return m, ok, nil
}

// text is what a message said: where its own row holds it no more, what still waits for its click may.
func (p *past) text(ctx context.Context, m sql.Message) ([]byte, error) {
	if len(m.Body) > 0 {
		return m.Body, nil
	}
	waiting, err := p.store.WaitingFor(ctx, m.ID)
	for _, w := range waiting {
		if w.Account == m.Account {
			return w.Body, err
		}
	}
	return nil, err
}

// byMetaID looks for a message by Meta's id of it, which is stored only in the message's own bytes: its dedupe
// key tells when it was recorded, and around then it is looked for.
func (p *past) byMetaID(ctx context.Context, metaID string) (happened, error) {
	for _, a := range p.accounts {
		for _, id := range webhook.MessageIDs(metaID) {
			recorded, known, err := p.store.RecordedAt(ctx, a.ID, p.store.Key(id))
			if err != nil {
				return happened{}, fmt.Errorf("look for a message of %s: %w", a.ID, err)
			}
			if !known {
				continue
			}
			fits := func(m sql.Message) bool { return webhook.MessageID(m.Source, m.Body) == id }
			m, found, err := p.store.FindMessage(ctx, a.ID, recorded, fits)
			if err == nil && !found { // the clock that names messages was another then
				m, found, err = p.store.FindMessage(ctx, a.ID, now().Add(time.Hour), fits)
			}
			if err != nil || found {
				return happened{Message: m}, err
			}
			return happened{}, fmt.Errorf("this message came in at %s for account %s, but %s, and only its text tells which it was; "+
				"look for its event with: clickthread events ls --account %s --since %s", when(recorded), a.ID, p.pruned(), a.ID, recorded.Format(time.DateOnly))
		}
	}
	return happened{}, errors.New("nothing is known by this id: no event or message of the last 30 days, and no rule; " +
		"list events with: clickthread events ls, and rules with: clickthread rules check rules/")
}

// pruned says why a text is not there.
func (p *past) pruned() string {
	if p.settings.Retention.Text == 0 {
		return "no text is stored (retention.text is 0)"
	}
	return fmt.Sprintf("its text was pruned (retention.text is %s)", span(p.settings.Retention.Text))
}

// span prints a setting as people write it.
func span(d configs.Duration) string {
	const day = 24 * time.Hour
	if t := time.Duration(d); t > 0 && t%day == 0 {
		return fmt.Sprintf("%dd", t/day)
	}
	return d.String()
}
