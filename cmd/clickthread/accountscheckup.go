package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/clickthread/clickthread/account"
	"github.com/clickthread/clickthread/capi"
	"github.com/clickthread/clickthread/configs"
)

// The permissions that an account's token needs (Meta, WhatsApp Business Platform: Permissions).
const (
	manageEvents = "whatsapp_business_manage_events" // to send events
	management   = "whatsapp_business_management"    // for webhooks, numbers and the dataset
	messaging    = "whatsapp_business_messaging"     // to block people
)

// checkup asks Meta about one account. It never sends an event.
type checkup struct {
	meta    *capi.Client
	as      capi.Credentials
	account account.Account
	info    capi.TokenInfo
	done    []checked
}

// checked is one thing that was looked at.
type checked struct {
	What string `json:"check"`
	OK   bool   `json:"ok"`
	Says string `json:"says"`
	Fix  string `json:"fix,omitempty"`
}

func newCheckup(s configs.Settings, a account.Account) *checkup {
	return &checkup{
		meta:    capi.New(capi.Options{BaseURL: s.Meta.GraphURL, Version: s.Meta.GraphVersion, Timeout: time.Duration(s.Meta.Timeout)}),
		as:      capi.Credentials{Token: a.AccessToken.Reveal(), AppSecret: a.AppSecret.Reveal()},
		account: a,
	}
}

func (c *checkup) well(what, format string, args ...any) {
	c.done = append(c.done, checked{What: what, OK: true, Says: fmt.Sprintf(format, args...)})
}

func (c *checkup) wrong(what, says, fix string) {
	c.done = append(c.done, checked{What: what, Says: says, Fix: fix})
}

func (c *checkup) allWell() bool {
	return !slices.ContainsFunc(c.done, func(d checked) bool { return !d.OK })
}

// ask makes all the checks. Its error says that Meta could not be asked. With a token that is not valid
// every other answer would be the same refusal.
func (c *checkup) ask(ctx context.Context) error {
	if err := c.token(ctx); err != nil || !c.info.Valid {
		return err
	}
	c.permissions()
	for _, step := range []func(context.Context) error{c.numbers, c.webhooks, c.dataset} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// token is valid, and stays so for as long as an event may have to wait.
func (c *checkup) token(ctx context.Context) error {
	const enough = 7 * 24 * time.Hour
	const fix = "make a new token, better one of a system user that never expires, and set access_token"
	var err error
	if c.info, err = c.meta.DebugToken(ctx, c.as, c.as.Token); err != nil {
		return c.refused("token", err, "")
	}
	ends := c.info.ExpiresAt
	if data := c.info.DataAccessExpiresAt; ends.IsZero() || !data.IsZero() && data.Before(ends) {
		ends = data
	}
	switch {
	case !c.info.Valid:
		c.wrong("token", "Meta does not accept it: "+c.info.Problem, fix)
	case ends.IsZero():
		c.well("token", "valid, never expires; of app %s (%s)", c.info.Application, c.info.AppID)
	case ends.Before(now().Add(enough)):
		c.wrong("token", "it ends at "+when(ends)+" UTC", fix)
	default:
		c.well("token", "valid until %s UTC; of app %s (%s)", when(ends), c.info.Application, c.info.AppID)
	}
	return nil
}

// permissions are all there, and for this WhatsApp account.
func (c *checkup) permissions() {
	var missing, elsewhere []string
	for _, scope := range []string{manageEvents, management, messaging} {
		if !slices.Contains(c.info.Scopes, scope) {
			missing = append(missing, scope)
			continue
		}
		for _, g := range c.info.GranularScopes {
			if g.Scope == scope && len(g.Targets) > 0 && !slices.Contains(g.Targets, c.account.WABAID) {
				elsewhere = append(elsewhere, scope)
			}
		}
	}
	switch {
	case len(missing) > 0:
		c.wrong("permissions", "the token lacks "+strings.Join(missing, ", "), "make a token of this app with "+strings.Join(missing, ", "))
	case len(elsewhere) > 0:
		c.wrong("permissions", fmt.Sprintf("%s: granted for other WhatsApp accounts than %s", strings.Join(elsewhere, ", "), c.account.WABAID),
			"check waba_id; in Business Settings, assign the WhatsApp account to the token's system user and make a new token")
	default:
		c.well("permissions", "%s, %s, %s", manageEvents, management, messaging)
	}
}

// numbers shows that the WhatsApp account is in reach, and that the settings name its numbers.
func (c *checkup) numbers(ctx context.Context) error {
	const what = "WhatsApp account"
	numbers, err := c.meta.PhoneNumbers(ctx, c.as, c.account.WABAID)
	if err != nil {
		return c.refused(what, err, management)
	}
	var ids, names []string
	for _, n := range numbers {
		ids = append(ids, n.ID)
		names = append(names, strings.TrimSpace(n.ID+" "+n.VerifiedName))
	}
	strangers := slices.DeleteFunc(slices.Clone(c.account.PhoneNumberIDs), func(id string) bool { return slices.Contains(ids, id) })
	switch {
	case len(numbers) == 0:
		c.wrong(what, c.account.WABAID+" has no phone number, so nobody can write to it", "check waba_id, or add a number in WhatsApp Manager")
	case len(strangers) > 0:
		c.wrong(what, fmt.Sprintf("phone_number_ids names %s; %s has %s", strings.Join(strangers, ", "), c.account.WABAID, strings.Join(names, ", ")),
			"correct phone_number_ids, or leave it out to listen to all numbers of the WhatsApp account")
	default:
		c.well(what, "%s has %s", c.account.WABAID, strings.Join(names, ", "))
	}
	return nil
}

// webhooks go to the token's app.
func (c *checkup) webhooks(ctx context.Context) error {
	apps, err := c.meta.Subscribed(ctx, c.as, c.account.WABAID)
	if err != nil {
		return c.refused("webhooks", err, management)
	}
	var names []string
	ours := false
	for _, a := range apps {
		ours = ours || a.ID == c.info.AppID
		name := fmt.Sprintf("%s (%s)", a.Name, a.ID)
		if to, err := url.Parse(a.OverrideURL); err == nil && to.Host != "" {
			name += ", at " + to.Host + " instead of its own callback URL" // the rest of the address may be secret
		}
		names = append(names, name)
	}
	fix := "run: clickthread accounts subscribe " + c.account.ID
	switch {
	case len(apps) == 0:
		c.wrong("webhooks", "no app gets them", fix)
	case !ours:
		c.wrong("webhooks", fmt.Sprintf("they go to %s, and not to the token's app %s (%s)", strings.Join(names, "; "), c.info.Application, c.info.AppID), fix)
	default:
		c.well("webhooks", "they go to %s", strings.Join(names, "; "))
	}
	return nil
}

// dataset is the one that belongs to the WhatsApp account: of another, Meta refuses the events with code
// 100 unless it was shared and connected. For events that name a Page it may be any that the Page is connected
// to, which Meta tells only in answer to an event.
func (c *checkup) dataset(ctx context.Context) error {
	own, there, err := c.meta.ReadDataset(ctx, c.as, c.account.WABAID)
	if err != nil {
		return c.refused("dataset", err, manageEvents)
	}
	share := fmt.Sprintf("if %s is meant and belongs to another Business, share it with this one, connect the WhatsApp account to it in Events Manager, and give the token's system user the task UPLOAD", c.account.DatasetID)
	switch {
	case own == c.account.DatasetID:
		c.well("dataset", "%s is the WhatsApp account's own", own)
	case c.account.Send.PageID != "":
		c.well("dataset", "%s; whether Page %s, which the events name, is connected to it stands in Events Manager: Meta refuses the events if it is not",
			c.account.DatasetID, c.account.Send.PageID)
	case there:
		c.wrong("dataset", fmt.Sprintf("dataset_id is %s, but the WhatsApp account's own dataset is %s; of another, Meta refuses the events (code 100)", c.account.DatasetID, own),
			fmt.Sprintf("set dataset_id: %q, restart and run: clickthread accounts resume %s; or, %s", own, c.account.ID, share))
	default:
		c.wrong("dataset", fmt.Sprintf("the WhatsApp account has no dataset of its own, and dataset_id is %s", c.account.DatasetID),
			"make the WhatsApp account's dataset in Events Manager and set dataset_id to it; or, "+share)
	}
	return nil
}

// refused notes what Meta refused; where Meta was not there to answer, there is nothing to find out, and
// the error comes back. scope is the permission that the call needs.
func (c *checkup) refused(what string, err error, scope string) error {
	var e *capi.Error
	if !errors.As(err, &e) || e.Retry() == capi.Again || e.Retry() == capi.Throttled || e.Retry() == capi.Unknown {
		return unreachable(err)
	}
	says, fix := e.Words()
	switch {
	case e.Code == 100 && e.Subcode == 33 && scope != "":
		says = fmt.Sprintf("there is no WhatsApp account %s, or the token may not see it", c.account.WABAID)
		fix = "check waba_id; in Business Settings, assign the WhatsApp account to the token's system user"
	case scope != "" && (e.Code == 10 || e.Code >= 200 && e.Code < 300):
		says, fix = "the token lacks "+scope, "make a token of this app with "+scope
	}
	if e.Code != 0 {
		says += fmt.Sprintf(" (code %d/%d)", e.Code, e.Subcode)
	}
	c.wrong(what, says, fix)
	return nil
}
