package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"golang.org/x/text/language"

	"github.com/clickthread/clickthread/capi"
)

// guard is a rule's "if": what must hold beside its trigger. The zero guard always holds.
type guard struct {
	source, headline, url *test // of the ad
	ad                    bool  // some of these is given
	within                time.Duration
	sentAny, sentNone     []string
	hours                 hours
	weekdays              []time.Weekday
	least, most           decimal.NullDecimal
	languages             []language.Tag
}

// hours are minutes of the day, from inclusive, to exclusive. They go over midnight where to comes
// first. The zero value is all day.
type hours struct{ from, to int }

func (h hours) hold(at time.Time) bool {
	minute := at.Hour()*60 + at.Minute()
	switch {
	case h.from < h.to:
		return h.from <= minute && minute < h.to
	case h.from > h.to:
		return h.from <= minute || minute < h.to
	}
	return true
}

func (h hours) String() string {
	return fmt.Sprintf("%02d:%02d to %02d:%02d", h.from/60, h.from%60, h.to/60, h.to%60)
}

// unmet says in words what does not hold, empty if all does. What needs a click holds while none is
// known: the rule then waits for one, as every rule does (ledger 13).
func (g *guard) unmet(m *match, value capi.Money) string {
	f := m.facts
	local := f.At.In(m.rule.zone)
	sent := func(event string) bool { return slices.Contains(f.Sent, event) }
	switch {
	case len(g.weekdays) > 0 && !slices.Contains(g.weekdays, local.Weekday()):
		return "not on a " + local.Weekday().String()
	case !g.hours.hold(local):
		return "not from " + g.hours.String()
	case len(g.sentAny) > 0 && !slices.ContainsFunc(g.sentAny, sent):
		return "none of " + strings.Join(g.sentAny, ", ") + " was sent before"
	case slices.ContainsFunc(g.sentNone, sent):
		return "one of " + strings.Join(g.sentNone, ", ") + " was sent before"
	case len(g.languages) > 0 && !g.speaks(f):
		return "in another language, or one that is not known"
	case !g.inRange(value):
		return "the amount is out of the range in \"if\", or not clear"
	case f.Click == nil:
		return ""
	case g.within > 0 && f.At.Sub(f.Click.At) > g.within:
		return "the click is too long ago"
	case g.ad && !g.fitsAd(m.msg, f.Click):
		return "it came from another ad"
	}
	return ""
}

// fitsAd judges the ad of a click (ledger 11: the click of a post is no ad).
func (g *guard) fitsAd(msg *message, c *Click) bool {
	return c.SourceType != "post" && g.source.holds([]string{c.AdID}, msg) &&
		g.headline.holds([]string{c.Headline}, msg) && g.url.holds([]string{c.URL}, msg)
}

func (g *guard) inRange(value capi.Money) bool {
	if !g.least.Valid && !g.most.Valid {
		return true
	}
	digits, ok := capi.MinorDigits(value.Currency)
	if !ok {
		return false
	}
	amount := decimal.New(value.Minor, -int32(digits))
	return (!g.least.Valid || amount.GreaterThanOrEqual(g.least.Decimal)) && (!g.most.Valid || amount.LessThanOrEqual(g.most.Decimal))
}

// speaks reports whether the language is one of those wanted; "pt" is every kind of Portuguese.
func (g *guard) speaks(f *Facts) bool {
	known := f.Language
	if known == "" && f.Template != nil {
		known = f.Template.Language
	}
	tag, err := language.Parse(known)
	if known == "" || err != nil {
		return false
	}
	base, _ := tag.Base()
	return slices.ContainsFunc(g.languages, func(want language.Tag) bool {
		wanted, _ := want.Base()
		_, sure := want.Region()
		return tag == want || wanted == base && sure != language.Exact
	})
}
