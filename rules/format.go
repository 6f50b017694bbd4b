package rules

import "slices"

// This file is the table of the rule format: every mapping and every key of a rule, what may stand
// behind the key, and one sentence for the person who writes it. The parser takes the keys from
// here, and Schema is generated from it.

// shape is a mapping of the format: what to call it, how it looks, and its keys. Where the keys are
// the merchant's own, each is what stands behind one.
type shape struct {
	what, like string
	keys       []key
	each       form
	needs      []string // keys that must be there
	one        bool     // exactly one key
}

// key is one key of a shape.
type key struct {
	name string
	is   form
	doc  string
}

// form is what may stand behind a key: any one of what is set.
type form struct {
	text, texts bool     // a text or number; a list of them
	words       []string // one of these texts
	shape       string   // a mapping of this name in the table
	several     bool     // a list: of shapes only, of words also one alone
	later       bool     // part of the format, not built in this version
}

var (
	aText   = form{text: true}
	someOf  = form{text: true, texts: true}
	aTest   = form{text: true, texts: true, shape: "test"}
	notYet  = form{later: true}
	phrases = form{text: true, texts: true}
)

func oneWord(words ...string) form { return form{words: words} }

func aShape(name string) form { return form{shape: name} }

// The words that the format knows.
var (
	modes       = []string{string(Live), string(Shadow), string(Off)}
	onces       = []string{string(PerClick), string(PerConversation), string(PerDay), string(Always)}
	picks       = []string{"last", "first", "largest"}
	ifMissings  = []string{"hold", "skip", "send_without"}
	weekdays    = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} // as time.Weekday counts them
	statuses    = []string{"sent", "delivered", "read"}                     // each implies those before it
	detectables = []string{"LeadSubmitted", "Purchase"}
	origins     = []string{"message", "cart", "template", "last_amount_we_quoted"}
)

// format is the table, by names that stand in form.shape and in the schema.
var format = map[string]shape{
	"file": {what: "the rule file", like: "version: 1", needs: []string{"version", "rules"}, keys: []key{
		{"version", oneWord("1"), "The version of the format: 1."},
		{"accounts", someOf, "The accounts the file is for, by account id, WABA id or phone_number_id. A file in an account's own folder needs none."},
		{"locale", aText, `How people write numbers, as a language tag such as pt-BR: it decides whether "1.299" is readable.`},
		{"timezone", aText, "The IANA time zone of hours, weekdays and per_day, such as America/Sao_Paulo."},
		{"defaults", aShape("defaults"), "What rules are that say nothing themselves."},
		{"words", form{shape: "lists"}, `Lists of phrases by name, used in phrases as "@name".`},
		{"rules", form{shape: "rule", several: true}, "The rules, in the order in which they win."},
		{"tests", form{shape: "scenario", several: true}, "Chats and what must come of them. A set with failing tests is not put in force."},
	}},
	"defaults": {what: `"defaults"`, like: "defaults: {currency: BRL}", keys: []key{
		{"currency", aText, "ISO 4217 code of amounts that do not say their own, such as BRL."},
		{"mode", oneWord(modes...), "live sends, shadow only records, off does nothing."},
		{"once", oneWord(onces...), "How often a rule may fire."},
		{"wait", aText, "How long events wait before they are sent, at most 6d."},
	}},
	"rule": {what: "a rule", like: "- id: asked-price", needs: []string{"id", "when", "send"}, keys: []key{
		{"id", aText, "Small letters, digits and hyphens. It is part of every event's identity: another id is another rule."},
		{"name", aText, "For people. It may change at any time."},
		{"mode", oneWord(modes...), "live sends, shadow only records, off does nothing."},
		{"when", aShape("trigger"), "What the rule listens for."},
		{"if", aShape("if"), "What must also hold. A rule whose if fails leaves the event to the rules after it."},
		{"send", aText, "The event that Meta gets, such as LeadSubmitted or Purchase."},
		{"value", aShape("value"), "Where the amount comes from. A Purchase without a clear amount is held, never guessed."},
		{"content_ids", someOf, `The products, as templates such as "{tap.id}" or "{cart.items.*.id}".`},
		{"user", aShape("user"), "What else is known of the person. It is hashed before it is kept or sent."},
		{"event_id", aText, "A template for the id that Meta sees. What may fire is decided by once and dedupe, not by it."},
		{"dedupe", aText, "A template instead of once: events of one name and one text count once, across rules and conversations."},
		{"once", oneWord(onces...), "How often the rule may fire; per_click where it does not say."},
		{"wait", aText, "How long the event waits before it is sent, such as 48h; at most 6d. Its time stays that of the message."},
		{"cancel_if", form{shape: "trigger", several: true}, "What cancels the event while it waits."},
		{"match_by", notYet, "How an order finds its conversation."},
		{"from_chat", notYet, "Which orders come from the chat."},
		{"fields", notYet, "Where a generic order says what."},
	}},
	"trigger": {what: `"when"`, like: `when: {customer_says: "quanto custa"}`, one: true, keys: []key{
		{"customer_says", form{text: true, texts: true, shape: "says"}, "The customer writes it, in a message or a caption. Case, accents and emoji do not matter."},
		{"customer_taps", aShape("taps"), "The customer taps a button, picks from a list or finishes a flow."},
		{"customer_orders", aShape("orders"), "The customer sends a cart from the WhatsApp catalog."},
		{"we_say", form{text: true, texts: true, shape: "says"}, "The business writes it."},
		{"we_send_template", aShape("template"), "The business sends a template."},
		{"meta_detects", oneWord(detectables...), "Meta detects a conversion in the chat by itself."},
		{"any", form{shape: "trigger", several: true}, "A list of triggers: any of them."},
		{"order", notYet, "A shop reports an order."},
	}},
	"says": {what: `"customer_says" or "we_say"`, like: `customer_says: ["quanto custa", "how much"]`, keys: []key{
		{"any", phrases, "One of these phrases occurs. {money} {number} {date} {email} {order_no} are holes."},
		{"all", phrases, "Each of these phrases occurs."},
		{"none", phrases, "None of these phrases occurs."},
		{"exactly", phrases, "The whole text is one of these."},
		{"starts_with", phrases, "The text begins with one of these."},
		{"regex", aText, "A regular expression in RE2 syntax on the text as written, at most 1,024 characters."},
		{"in", oneWord("text", "caption", "both"), "Where to listen; both where it does not say."},
	}},
	"taps": {what: `"customer_taps"`, like: `customer_taps: {button: {id: "buy_*"}}`, one: true, keys: []key{
		{"button", aShape("tapped"), "A reply button, or a quick reply of a template (its payload is the id, its text the title)."},
		{"list", aShape("tapped"), "A row of a list."},
		{"flow", aShape("flow"), "A WhatsApp Flow that was finished."},
	}},
	"tapped": {what: "a tapped button or list", like: `{id: "buy_*"} or {title: "Comprar"}`, keys: []key{
		{"id", someOf, "Its id; * is a wildcard."},
		{"title", someOf, "What the customer saw; * is a wildcard."},
	}},
	"flow": {what: "a flow", like: "flow: {name: lead_form}", keys: []key{
		{"name", someOf, "The flow_token it was sent with, because messages do not carry a flow's name; * is a wildcard."},
		{"answers", aShape("tests"), "What the answers must be, by field."},
	}},
	"orders": {what: `"customer_orders"`, like: "customer_orders: {at_least: {items: 1}}", keys: []key{
		{"at_least", aShape("at_least"), "How much must be in the cart."},
		{"contains", someOf, "One of these product ids is in the cart; * is a wildcard."},
	}},
	"at_least": {what: `"at_least"`, like: "at_least: {items: 1}", keys: []key{
		{"items", aText, "The total quantity."},
		{"amount", aText, "The total price."},
	}},
	"template": {what: `"we_send_template"`, like: "we_send_template: {name: receipt}", keys: []key{
		{"name", someOf, "The template's name; * is a wildcard."},
		{"language", someOf, "The template's language, such as pt_BR."},
		{"status", oneWord(statuses...), "How far it came: sent (the default), delivered or read. Each implies those before it."},
		{"parameters", aShape("tests"), "What the parameters of the body must be, by number from 1, or by name."},
	}},
	"test": {what: "a test", like: "{at_least: 100}", keys: []key{
		{"equals", someOf, "It is this text, or one of these; * is a wildcard."},
		{"not", someOf, "It is none of these."},
		{"one_of", someOf, "It is one of these."},
		{"contains", someOf, "One of these texts occurs in it."},
		{"starts_with", someOf, "It begins with one of these."},
		{"regex", aText, "A regular expression in RE2 syntax fits it. Its named groups may stand in templates."},
		{"at_least", aText, "It is a number, and no less."},
		{"at_most", aText, "It is a number, and no more."},
		{"present", oneWord("true", "false"), "Whether there is one at all."},
	}},
	"if": {what: `"if"`, like: `if: {hours: {from: "08:00", to: "21:00"}}`, keys: []key{
		{"ad", aShape("ad"), "Which ad the conversation came from. The click of a post is no ad."},
		{"within_click", aText, "How long after the click at most, such as 3d."},
		{"already_sent", aShape("already_sent"), "What this conversation sent before."},
		{"hours", aShape("hours"), "At what time of day, in the file's timezone."},
		{"weekdays", form{words: weekdays, several: true}, "On which days, in the file's timezone."},
		{"amount", aShape("amount"), "How much the event's value is. An amount that is not clear is no amount."},
		{"language", someOf, "The language, such as pt, where it is known: of a template."},
	}},
	"ad": {what: `"ad"`, like: `ad: {source_id: "120210*"}`, keys: []key{
		{"source_id", aTest, "The ad's id."},
		{"headline", aTest, "The ad's headline."},
		{"url", aTest, "The ad's address."},
	}},
	"already_sent": {what: `"already_sent"`, like: "already_sent: {none: [Purchase]}", keys: []key{
		{"any", someOf, "One of these events."},
		{"none", someOf, "None of these events."},
	}},
	"hours": {what: `"hours"`, like: `hours: {from: "08:00", to: "21:00"}`, needs: []string{"from", "to"}, keys: []key{
		{"from", aText, "The first minute."},
		{"to", aText, "The first minute that is too late. Before from, it is on the next day."},
	}},
	"amount": {what: `"amount"`, like: "amount: {at_least: 100}", keys: []key{
		{"at_least", aText, "It is no less."},
		{"at_most", aText, "It is no more."},
	}},
	"value": {what: `"value"`, like: "value: {from: message} or value: {amount: 49.90}", keys: []key{
		{"amount", aText, "Always this amount."},
		{"from", aText, `message, cart, template, last_amount_we_quoted, or a template such as "{amount}".`},
		{"first_of", form{shape: "origin", several: true}, "The first of these that finds an amount."},
		{"parameter", aText, "from: template: the parameter of the body, by number from 1, or by name."},
		{"currency", aText, "ISO 4217 code, such as BRL."},
		{"pick", oneWord(picks...), "Which of several amounts; where it does not say, several different ones are held."},
		{"multiply", aText, "What part of the amount counts, such as 0.3."},
		{"min", aText, "Less is held."},
		{"max", aText, "More is held."},
		{"if_missing", oneWord(ifMissings...), "What happens without a clear amount: hold (the default), skip or send_without."},
	}},
	"origin": {what: `an element of "first_of"`, like: "- from: message", keys: []key{
		{"amount", aText, "Always this amount."},
		{"from", aText, `message, cart, template, last_amount_we_quoted, or a template such as "{amount}".`},
		{"parameter", aText, "from: template: the parameter of the body, by number from 1, or by name."},
		{"currency", aText, "ISO 4217 code, such as BRL."},
		{"pick", oneWord(picks...), "Which of several amounts."},
	}},
	"user": {what: `"user"`, like: `user: {email: "{flow.email}"}`, keys: []key{
		{"email", aText, "A template for the e-mail address."},
		{"external_id", aText, "A template for your own id of the person."},
	}},
	"lists": {what: `"words"`, like: `words: {booked: ["cita confirmada"]}`, each: someOf},
	"tests": {what: "a mapping of tests", like: "{budget: {at_least: 100}}", each: aTest},

	"scenario": {what: "a test", like: "- name: a lead, chat: [...], expect: [...]", needs: []string{"chat", "expect"}, keys: []key{
		{"name", aText, "What the test shows."},
		{"account", aText, "The account the chat is with."},
		{"at", aText, `When the chat begins, such as "2026-05-04T10:00:00+02:00"; a Wednesday at 12:00 where it does not say.`},
		{"chat", form{shape: "step", several: true}, "What happens, a second apart."},
		{"expect", form{text: true, texts: true, shape: "expected", several: true}, "The events that come of it, nothing, or held."},
		{"because", oneWord(reasons()...), "The reason that something has."},
	}},
	"step": {what: "a step of a chat", like: `- customer: "quanto custa?"`, keys: []key{
		{"ad_click", form{words: []string{"true"}, shape: "click"}, "The customer taps an ad."},
		{"customer", aText, "The customer writes."},
		{"we", form{text: true, shape: "sent"}, "The business writes, or sends a template."},
		{"tap", aShape("tap"), "The customer taps."},
		{"cart", aShape("cart"), "The customer sends a cart."},
		{"status", oneWord(statuses...), "What becomes of the template that was sent last."},
		{"wait", aText, "Time passes, such as 47h or 6d."},
		{"expect", form{text: true, texts: true, shape: "expected", several: true}, "What has come of the chat so far."},
		{"repeat", aText, "How often the step happens."},
		{"order", notYet, "A shop reports an order."},
		{"webhook", notYet, "A system of your own reports something."},
	}},
	"click": {what: `"ad_click"`, like: "ad_click: true", keys: []key{
		{"source_id", aText, "The ad's id."},
		{"source_type", oneWord("ad", "post"), "ad where it does not say."},
		{"clid", oneWord("true", "false"), "Whether Meta sent a click id; false for ads in WhatsApp Status."},
		{"headline", aText, "The ad's headline."},
		{"url", aText, "The ad's address."},
	}},
	"sent": {what: `"we"`, like: `we: {template: receipt, params: ["Ana", "$1,299.00"]}`, needs: []string{"template"}, keys: []key{
		{"template", aText, "The template's name."},
		{"language", aText, "The template's language."},
		{"params", someOf, "The parameters of its body, in order."},
	}},
	"tap": {what: `"tap"`, like: "tap: {button: buy_123}", keys: []key{
		{"button", aText, "The id of a button."},
		{"list", aText, "The id of a row."},
		{"flow", aText, "The flow_token of a flow."},
		{"title", aText, "What the customer saw."},
		{"answers", aShape("answers"), "What the customer filled in."},
	}},
	"answers": {what: `"answers"`, like: `answers: {budget: 50, email: "a@b.co"}`, each: someOf},
	"cart": {what: `"cart"`, like: "cart: {currency: BRL, items: [{id: SKU1, qty: 2, price: 150.00}]}", needs: []string{"items"}, keys: []key{
		{"currency", aText, "ISO 4217 code of all prices."},
		{"items", form{shape: "item", several: true}, "What is in it."},
	}},
	"item": {what: "an item of a cart", like: "{id: SKU1, qty: 2, price: 150.00}", keys: []key{
		{"id", aText, "The product's id."},
		{"qty", aText, "How many; 1 where it does not say."},
		{"price", aText, "Of one."},
		{"currency", aText, "ISO 4217 code of the price."},
	}},
	"expected": {what: "an expected event", like: "- LeadSubmitted: {rule: asked-price}", each: aShape("wanted")},
	"wanted": {what: "an expected event", like: "LeadSubmitted: {rule: asked-price}", keys: []key{
		{"rule", aText, "The rule it comes from."},
		{"mode", oneWord(modes[:2]...), "live where it does not say."},
		{"value", aText, "Its amount."},
		{"currency", aText, "Its currency."},
		{"content_ids", someOf, "Its products."},
		{"event_id", aText, "The id that Meta sees."},
		{"event_time", notYet, "When it happened."},
	}},
}

// names are the keys of a shape that are built.
func (s shape) names() []string {
	var names []string
	for _, k := range s.keys {
		if !k.is.later {
			names = append(names, k.name)
		}
	}
	return names
}

// hasLater reports whether a key is part of the format but not built.
func (s shape) hasLater(name string) bool {
	return slices.ContainsFunc(s.keys, func(k key) bool { return k.name == name && k.is.later })
}
