package bench

import (
	"strconv"
	"strings"
	"time"
)

// The bodies that bench sends: as Meta writes them, in ASCII and with \/, of the sizes that Meta's
// have. Each is cut at its holes once, because making a webhook must cost little beside answering it.

// shop is a pretend account that bench sends to. The numbers belong to nobody.
type shop struct{ account, waba, dataset string }

// shops are n shops. Most measurements need only the first.
func shops(n int) []shop {
	all := make([]shop, n)
	for i := range all {
		all[i] = shop{"bench-shop-" + strconv.Itoa(i), "30010020030040" + strconv.Itoa(i), "90010020030040" + strconv.Itoa(i)}
	}
	return all
}

// shopNumber is the business number of every shop: accounts that list none listen to all.
const shopNumber = "700100200300400"

// filling is what differs from one webhook to the next.
type filling struct {
	waba    string
	run     string // makes the ids of this run its own
	serial  int64  // of the webhook: becomes the message id and the click id
	shopper int64
	at      time.Time
	text    string // JSON, without quotes
}

// template is a body that is cut at its <holes>: every second piece is the name of a hole.
type template []string

func newTemplate(body string) template {
	var t template
	for {
		before, rest, found := strings.Cut(body, "<")
		t = append(t, before)
		if !found {
			return t
		}
		hole, after, _ := strings.Cut(rest, ">")
		t, body = append(t, hole), after
	}
}

// appendTo writes the body behind b.
func (t template) appendTo(b []byte, f filling) []byte {
	for i, piece := range t {
		if i%2 == 0 {
			b = append(b, piece...)
			continue
		}
		switch piece {
		case "waba":
			b = append(b, f.waba...)
		case "at":
			b = strconv.AppendInt(b, f.at.Unix(), 10)
		case "id":
			b = appendPadded(append(b, f.run...), f.serial)
		case "shopper":
			b = appendPadded(b, f.shopper)
		case "text":
			b = append(b, f.text...)
		}
	}
	return b
}

// appendPadded writes nine digits, so that bodies keep their size.
func appendPadded(b []byte, n int64) []byte {
	for size := int64(100_000_000); size > 1 && n < size; size /= 10 {
		b = append(b, '0')
	}
	return strconv.AppendInt(b, n, 10)
}

const (
	bodyHead = `{"object":"whatsapp_business_account","entry":[{"id":"<waba>","changes":[{"value":{"messaging_product":"whatsapp",` +
		`"metadata":{"display_phone_number":"5500900000001","phone_number_id":"` + shopNumber + `"},`
	// There is no area code 00, so these telephone numbers are nobody's.
	bodyMessage = bodyHead + `"contacts":[{"profile":{"name":"Shopper <shopper>"},"wa_id":"5500<shopper>","user_id":"BR.1000200<shopper>"}],` +
		`"messages":[{"from":"5500<shopper>","from_user_id":"BR.1000200<shopper>",` +
		`"id":"wamid.HBgNNTUwMDkwMDAwMDAwMRUCABIYIDNBQkVOQ0g<id>AA==","timestamp":"<at>","type":"text","text":{"body":"<text>"}`
	bodyReferral = `,"referral":{"source_url":"https:\/\/fb.me\/7benchAdOfPretendShop","source_id":"120200000000000001","source_type":"ad",` +
		`"body":"At\u00e9 sexta: frete gr\u00e1tis em toda a loja e 10% de desconto na primeira compra. Toque e fale com a gente no WhatsApp!",` +
		`"headline":"Lumin\u00e1rias com 20% off","media_type":"image",` +
		`"image_url":"https:\/\/scontent.example.invalid\/v\/t45.1600-4\/400000000_120200000000000001_1000000000000000000_n.png` +
		`?stp=dst-jpg_p526x296&_nc_cat=100&ccb=1-7&_nc_sid=000000&_nc_ohc=AAAAAAAAAAAAAAAAAAAAAAA&_nc_zt=1&_nc_ht=scontent&oh=00_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&oe=00000000",` +
		`"ctwa_clid":"AfeBenchClickIdAsLongAsTheRealOnes-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_<id>",` +
		`"welcome_message":{"text":"Ol\u00e1! Como podemos ajudar?"}}`
	bodyTail     = `}]},"field":"messages"}]}]}`
	bodyStatuses = bodyHead + `"statuses":[{"id":"wamid.HBgNNTUwMDkwMDAwMDAwMRUCABEYEjNBQkVOQ0g<id>AA==","status":"<text>","timestamp":"<at>",` +
		`"recipient_id":"5500<shopper>","recipient_user_id":"BR.1000200<shopper>","conversation":{"id":"00000000000000000000000<id>",` +
		`"origin":{"type":"service"}},"pricing":{"billable":false,"pricing_model":"PMP","category":"service","type":"free_customer_service"}` + bodyTail
)

// templates are the bodies of one run.
type templates struct {
	message, click, statuses template
}

func newTemplates() templates {
	return templates{
		message:  newTemplate(bodyMessage + bodyTail),
		click:    newTemplate(bodyMessage + bodyReferral + bodyTail),
		statuses: newTemplate(bodyStatuses),
	}
}

// smallTalk is what no rule listens to.
func smallTalk() []string {
	return []string{
		`oi`,
		`bom dia, tudo bem?`,
		`voc\u00eas abrem aos s\u00e1bados?`,
		`obrigada! \ud83d\ude4f`,
		`e d\u00e1 para trocar se n\u00e3o servir? moro em outra cidade e n\u00e3o queria ter que ir at\u00e9 a loja`,
		`vi as fotos que voc\u00ea mandou, achei linda a azul, mas ainda estou na d\u00favida por causa do tamanho da sala. ` +
			`Ela tem 3 por 4 metros e o teto \u00e9 baixo. O que voc\u00ea acha? Minha irm\u00e3 tem uma parecida e l\u00e1 ficou \u00f3timo`,
		`pode mandar no meu endere\u00e7o de sempre`,
		`estou no trabalho agora, respondo mais tarde`,
	}
}

// hello is what WhatsApp proposes to who clicks an ad.
const hello = `Ol\u00e1! Tenho interesse e queria mais informa\u00e7\u00f5es, por favor.`

// payment says how much was paid: every payment has an amount of its own, by which Meta's copy of it
// is found again.
func payment(cents int64) string {
	return `pronto, paguei R$ ` + strconv.FormatInt(cents/100, 10) + "," + strconv.FormatInt(100+cents%100, 10)[1:] + ` agora \ud83d\ude0a`
}

// deliveryStates are what statuses say, in turn.
func deliveryStates() []string { return []string{"sent", "delivered", "read"} }
