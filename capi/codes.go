package capi

// Explanation is one row of the table of Meta's errors: what a failure means, what the sender does
// about it, and the same in words for people.
type Explanation struct {
	Code    int // Meta's error code; 0 where Meta named none
	UpTo    int // last code of a range that begins with Code; 0 = the one code
	Subcode int // 0 = every subcode that has no row of its own
	Verdict Verdict
	Sender  bool   // it is about what the events name as their sender; see [Error.SenderRefused]
	What    string // what happened: part of a sentence, no full stop
	Fix     string // what a person can do; for Pause, [Error.Words] adds how sending goes on
}

// Ends that many fixes share.
const (
	byItself  = "nothing: sending goes on by itself after a wait"
	sentAgain = "nothing: it is sent again by itself"
	runAgain  = "run it again in a while"
	correct   = "read Meta's words in the answer (clickthread events show ID) and correct the rule or the order's data"
	instagram = "send messaging_channel \"whatsapp\", or use the WhatsApp account's own dataset"
	useWABA   = "identify the events by the WhatsApp Business Account instead of the Page"
	oldPage   = "; what is queued by then names the old Page for good, and is rejected"
	ownSet    = "use the WhatsApp Business Account's own dataset"
)

// unpublished is all that can be said of a subcode that was seen in answers without its title.
const unpublished = "Meta's validation of the event refused it; what this subcode stands for is not published"

// codes is everything we know about Meta's codes; the first row that fits is taken, so a code's
// subcodes stand before the code (Meta, Graph API: Error codes; Meta, Conversions API: Error codes;
// Meta, Cloud API: Block users; messaging subcodes as seen in live answers). A new code is a row
// here and one in the test.
var codes = []Explanation{
	// One event is wrong, and with it the batch.
	{Code: 100, Subcode: 2804066, Verdict: Refused, What: "Meta does not take this event name for WhatsApp", Fix: "use one of Meta's names for messaging, for example LeadSubmitted instead of Lead"},
	{Code: 100, Subcode: 2804087, Verdict: Refused, What: "Meta does not know this click id", Fix: "check that the ad belongs to the ad account connected to this dataset; a made-up or altered click id is never taken"},
	{Code: 100, Subcode: 2804063, Verdict: Refused, What: "the event does not say its messaging channel", Fix: "send messaging_channel \"whatsapp\" with it"},
	{Code: 100, Subcode: 2804064, Verdict: Refused, What: "the event carries a field that messaging events may not have", Fix: "send only the WhatsApp Business Account id and the click id about the person"},
	{Code: 100, Subcode: 2804003, Verdict: Refused, What: "the event is more than 7 days old", Fix: "nothing can be done for this event; find out why it waited so long"},
	{Code: 100, Subcode: 2804009, Verdict: Refused, What: "the Purchase has no value or no currency", Fix: "let the rule or the order give an amount with its currency"},
	{Code: 100, Subcode: 2804081, Verdict: Refused, What: "the OrderCreated has no currency", Fix: "let the rule or the order give an amount with its currency"},
	{Code: 100, Subcode: 2804050, Verdict: Refused, What: "the event says too little about the person for Meta to match it", Fix: "check that the event carries the click id"},
	{Code: 100, Subcode: 2804072, Verdict: Refused, What: "the Page that the event names is not the Page whose ad was clicked", Fix: useWABA},
	{Code: 100, Subcode: 2804073, Verdict: Refused, What: "Meta took this for a Messenger event whose Page and person do not belong together", Fix: useWABA},
	{Code: 100, Subcode: 2804075, Verdict: Refused, What: "Meta took this for an Instagram event without an ig_sid", Fix: instagram},
	{Code: 100, Subcode: 2804079, Verdict: Refused, What: "Meta took this for an Instagram event without an account id", Fix: instagram},
	{Code: 100, Subcode: 2804133, Verdict: Refused, What: "Meta took this for an Instagram event, and the dataset has no Instagram account", Fix: instagram},
	{Code: 100, Subcode: 2804001, Verdict: Refused, What: unpublished, Fix: correct},
	{Code: 100, Subcode: 2804007, Verdict: Refused, What: unpublished, Fix: correct},
	{Code: 100, Subcode: 2804016, Verdict: Refused, What: unpublished, Fix: correct},
	{Code: 100, Subcode: 2804017, Verdict: Refused, What: unpublished, Fix: correct},
	{Code: 100, Subcode: 2804019, Verdict: Refused, What: unpublished, Fix: correct},
	{Code: 100, Subcode: 2804048, Verdict: Refused, What: unpublished, Fix: correct},
	{Code: 100, Subcode: 2804071, Verdict: Refused, What: unpublished, Fix: correct},

	// The account is set up wrongly: nothing it sends can succeed.
	{Code: 100, Subcode: 33, Verdict: Pause, What: "the dataset does not exist, or the token may not use it", Fix: "check the dataset id, and assign the token's system user to the dataset with the task UPLOAD; if the dataset belongs to another Business, share it with yours or " + ownSet},
	{Code: 100, Subcode: 2804132, Verdict: Pause, Sender: true, What: "the WhatsApp Business Account is not linked to this dataset", Fix: ownSet + ", or connect the account to this dataset in Events Manager"},
	{Code: 100, Subcode: 2804131, Verdict: Pause, Sender: true, What: "the events name a Page, and no Page is linked to this dataset", Fix: "connect the Page to this dataset in Events Manager, or " + useWABA + oldPage},
	{Code: 100, Subcode: 2804065, Verdict: Pause, Sender: true, What: "the Page that the events name is not the one linked to this dataset", Fix: "connect that Page to this dataset in Events Manager, or " + useWABA + oldPage},
	{Code: 100, Subcode: 2804116, Verdict: Pause, Sender: true, What: "the events name neither a WhatsApp Business Account nor a Page", Fix: "set the account's waba_id"},
	{Code: 190, Subcode: 460, Verdict: Pause, What: "the token ended because its owner changed their password", Fix: "make a new token, better one of a system user"},
	{Code: 190, Subcode: 463, Verdict: Pause, What: "the token has expired", Fix: "make a new token, better one of a system user that never expires"},
	{Code: 190, Subcode: 467, Verdict: Pause, What: "the token was revoked", Fix: "make a new token"},
	{Code: 190, Verdict: Pause, What: "Meta does not accept the token", Fix: "make a new token"},
	{Code: 10, Verdict: Pause, What: "the token lacks a permission", Fix: "give the token whatsapp_business_manage_events"},
	{Code: 294, Verdict: Pause, What: "the token lacks the permission ads_management", Fix: "give the token ads_management, which a dataset needs that was not made for the WhatsApp Business Account"},
	{Code: 200, UpTo: 299, Verdict: Pause, What: "the token lacks a permission", Fix: "give the token whatsapp_business_manage_events"},
	{Code: 803, Verdict: Pause, What: "Meta does not know the dataset by this name", Fix: "set the dataset's numeric id"},
	{Code: 102, Verdict: Pause, What: "the token's session has ended", Fix: "make a new token"},
	{Code: 104, Verdict: Pause, What: "the app asks for a proof of its secret, and the proof is missing or wrong", Fix: "set the app's secret, or turn off \"Require app secret\" in the app's settings"},

	// Too much, too fast.
	{Code: 4, Verdict: Throttled, What: "the app has used up its calls", Fix: byItself},
	{Code: 17, Verdict: Throttled, What: "the token's owner has used up their calls", Fix: byItself},
	{Code: 32, Verdict: Throttled, What: "the page has used up its calls", Fix: byItself},
	{Code: 341, Verdict: Throttled, What: "the app has reached its limit for now", Fix: byItself},
	{Code: 613, Verdict: Throttled, What: "calls come faster than Meta allows", Fix: byItself},
	{Code: 80000, UpTo: 80014, Verdict: Throttled, What: "the business has used up its calls", Fix: byItself},
	{Code: 130429, Verdict: Throttled, What: "the phone number has used up its calls", Fix: byItself},
	{Code: 368, Verdict: Throttled, What: "Meta has blocked this for a time because of its policies", Fix: "read what Meta objects to in Business Support Home; sending is tried again after a wait"},

	// Meta's own trouble.
	{Code: 1, Verdict: Again, What: "Meta reports an unknown error of its own", Fix: sentAgain},
	{Code: 2, Verdict: Again, What: "Meta's service is down for a moment", Fix: sentAgain},
	{Code: 5000, Verdict: Again, What: "Meta reports an unknown error of its own", Fix: sentAgain},
	{Code: 3910001, Verdict: Again, What: "Meta's service is down for a moment", Fix: sentAgain},

	// Blocking people.
	{Code: 139100, Verdict: Refused, What: "Meta could not block or unblock some of the people", Fix: "read Meta's words in the answer; only people who wrote within 24 hours can be blocked"},
	{Code: 139101, Verdict: Refused, What: "the list of blocked people is full", Fix: "unblock some people first; the list holds 64,000"},
	{Code: 139102, Verdict: Again, What: "the list of blocked people changed while it was read", Fix: "read the list again from its beginning"},
	{Code: 139103, Verdict: Again, What: "Meta could not change the list of blocked people for a moment", Fix: runAgain},

	{Code: 100, Verdict: Refused, What: "Meta finds something wrong in the request", Fix: "read Meta's words in the answer and correct the rule, the order's data or the id that they name"},
}
