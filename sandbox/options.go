package sandbox

import "time"

// Options says what the pretend Meta knows, and how strict it is.
type Options struct {
	// Clicks are the ctwa_clids of real clicks. Default: any click id is one.
	Clicks []string
	// Poison makes one event bad among good ones: whatever click id contains it is unknown. Default: none is.
	Poison string
	// Datasets are the datasets there are, beside those of the Accounts. Default: any numeric id is one.
	Datasets []string
	// Accounts are the WhatsApp Business Accounts there are. Default: any numeric id is one, and so is
	// any number.
	Accounts []Account
	// Tokens are good and may do everything. Default: any token without a grant is.
	Tokens []string
	// Grants are the tokens of which more is known.
	Grants []Grant

	// AppSecret, where set, makes every call need the appsecret_proof that belongs to its token.
	AppSecret string
	// RefuseExtras refuses what an event tells about the person beyond click and account: e-mail, phone, ...
	RefuseExtras bool
	// NameEvents makes a refusal say in error_data which event of the batch was bad.
	NameEvents bool

	// Forget keeps no event and only counts them.
	Forget bool
	// Now is Meta's clock. Default: time.Now.
	Now func() time.Time
}

// Account is a WhatsApp Business Account (WABA).
type Account struct {
	ID, Name string
	Numbers  []Number
	Dataset  string // the account's own; "" if it has to be made yet
}

// Number is a business phone number.
type Number struct {
	ID      string
	Display string // as people write it: +55 11 90000-0001
	Name    string // as Meta has verified it
}

// Grant says what a token may do.
type Grant struct {
	Token string
	// Scopes are permissions like whatsapp_business_manage_events. Default: all that the calls here need.
	Scopes []string
	// Accounts are the ids of the accounts that the token sees. Everything that belongs to another, which
	// is how another Business's look, does not exist for it. Default: it sees all.
	Accounts []string
	// Expires is when the token ends. Default: never.
	Expires time.Time
}
