package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/clickthread/clickthread/sandbox"
)

// Chats to judge anew.

// notification is one POST of Meta's, and when it arrives.
type notification struct {
	at   time.Time
	body []byte
}

// traffic makes chats, the same ones each time.
type traffic struct {
	*rand.Rand
	now    time.Time
	people int
	last   map[int]time.Time // when somebody wrote last
}

// newTraffic makes notifications that hold some n messages: ad clicks with and without an id, small talk, what rules
// listen for, what the business writes, conversions that Meta detected, late and old ones, duplicates.
func newTraffic(from, to time.Time, n int) (list []notification) {
	tr := &traffic{rand.New(rand.NewPCG(7, 11)), from, n/12 + 1, map[int]time.Time{}}
	step := to.Sub(from) / time.Duration(n)
	for made := 0; made < n; {
		messages := 1
		if tr.IntN(2) == 0 {
			messages = 2 + tr.IntN(10)
		}
		var entries []json.RawMessage
		for range messages {
			entries = append(entries, tr.message()...)
		}
		made += messages
		body, _ := json.Marshal(map[string]any{"object": "whatsapp_business_account", "entry": entries}) // what is valid marshals
		list = append(list, notification{tr.now, body})
		if tr.IntN(50) == 0 {
			list = append(list, list[tr.IntN(len(list))]) // once more
			list[len(list)-1].at = tr.now
		}
		tr.now = tr.now.Add(step * time.Duration(messages)).Add(time.Duration(tr.IntN(1000)) * time.Microsecond)
	}
	return list
}

// message is one of somebody's, as the entries of a notification.
func (tr *traffic) message() []json.RawMessage {
	var n struct{ Entry []json.RawMessage }
	_ = json.Unmarshal(tr.happens(), &n) // it is ours
	return n.Entry
}

// happens is one thing that somebody does, as a notification.
func (tr *traffic) happens() []byte {
	who := tr.IntN(tr.people)
	s := &sandbox.Shopper{
		WABA: "300100200300400", PhoneNumberID: "700100", Name: "Shopper",
		WAID: fmt.Sprintf("5500%09d", who), Now: func() time.Time { return tr.now },
	}
	if who%3 == 0 {
		s.UserID = fmt.Sprintf("BR.%d", who)
	}
	switch tr.IntN(24) {
	case 0, 1, 2, 3:
		return s.Click(tr.ad(who), tr.one("oi", "vi o anuncio", "quanto custa?")).Body
	case 4: // arrives after what was said since
		return s.At(tr.now.Add(-time.Duration(tr.IntN(48*60))*time.Minute)).Click(tr.ad(who), "oi").Body
	case 5:
		old := tr.ad(who)
		old.ClickID += "-old"
		return s.At(tr.now.Add(-8*24*time.Hour)).Click(old, "quanto custa?").Body
	case 6:
		return s.At(tr.now.Add(-time.Duration(tr.IntN(6*60)) * time.Minute)).Say(tr.text()).Body
	case 7:
		return s.Cart("BRL", sandbox.CartItem{RetailerID: "sku-1", Quantity: 1 + tr.IntN(3), Price: fmt.Sprintf("%d.90", 10+tr.IntN(90))}).Body
	case 8, 9, 10:
		return tr.echo(s.WAID)
	case 11:
		return tr.detected(who)
	}
	return s.Say(tr.text()).Body
}

func (tr *traffic) one(texts ...string) string { return texts[tr.IntN(len(texts))] }

func (tr *traffic) text() string {
	return tr.one("oi", "bom dia", "obrigada!", "quanto custa?", "e quanto custa o azul?", "tem desconto?", "ja paguei", "pode fechar",
		"volto depois", "desisto", "vi o anuncio", fmt.Sprintf("paguei R$ %d,%02d", 10+tr.IntN(900), tr.IntN(100)),
		fmt.Sprintf("paguei R$ %d,00", 10+tr.IntN(90)), fmt.Sprintf("pedido #%d", 4000+tr.IntN(tr.people)))
}

// ad is one of somebody's three clicks; the third has no id.
func (tr *traffic) ad(who int) sandbox.Ad {
	n := tr.IntN(3)
	ad := sandbox.Ad{ID: fmt.Sprintf("1202%05d", tr.IntN(tr.people)), Headline: "Lamps", ClickID: fmt.Sprintf("clid-%d-%d", who, n)}
	if n == 2 {
		ad.ClickID = ""
	}
	return ad
}

// echo is what the business writes to somebody in its own app.
func (tr *traffic) echo(to string) []byte {
	text := tr.one("fica R$ 120,00", fmt.Sprintf("o total fica R$ %d,50", 20+tr.IntN(300)), "cancelado",
		fmt.Sprintf("pedido #%d confirmado", 4000+tr.IntN(tr.people)))
	return tr.change("smb_message_echoes", fmt.Sprintf(`"message_echoes":[{"from":"5511900000001","to":%q,"id":"echo-%d","timestamp":"%d","type":"text","text":{"body":%q}}]`,
		to, tr.Uint64(), tr.now.Unix(), text))
}

// detected is a sale that Meta found by itself.
func (tr *traffic) detected(who int) []byte {
	return tr.change("automatic_events", fmt.Sprintf(`"automatic_events":[{"id":"auto-%d","event_name":"Purchase","timestamp":%d,"ctwa_clid":"clid-%d-%d",`+
		`"custom_data":{"currency":"BRL","value":%d}}]`, tr.Uint64(), tr.now.Unix(), who, tr.IntN(2), 1000*(10+tr.IntN(50))))
}

// change is a notification of one change of a field; value is JSON without its metadata.
func (tr *traffic) change(field, value string) []byte {
	return fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"300100200300400","changes":[{"field":%q,"value":{`+
		`"messaging_product":"whatsapp","metadata":{"phone_number_id":"700100"},%s}}]}]}`, field, value)
}
