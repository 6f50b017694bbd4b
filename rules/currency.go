package rules

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clickthread/clickthread/capi"
)

// Which currencies a mark in a text may stand for. A mark that is shared, such as "$", names none of
// them alone: it only must not contradict the rule's currency.
const (
	dollars = "USD CAD AUD NZD HKD SGD TWD MXN ARS CLP COP UYU DOP CUP BBD BSD BZD FJD GYD JMD LRD NAD SRD TTD XCD BND KYD BMD"
	pesos   = "MXN ARS CLP COP UYU DOP CUP PHP"
	crowns  = "SEK NOK DKK ISK"
	pounds  = "GBP EGP LBP SYP SDG FKP GIP SHP"
	rupees  = "INR PKR LKR NPR MUR SCR"
)

// signs stand before or after the amount; one that could belong to two amounts belongs to the later.
var signs = map[string]string{
	"r$": "BRL", "$": dollars, "us$": "USD", "u$s": "USD", "u$d": "USD", "mx$": "MXN", "ar$": "ARS", "cl$": "CLP",
	"col$": "COP", "a$": "AUD", "au$": "AUD", "c$": "CAD", "ca$": "CAD", "nz$": "NZD", "hk$": "HKD", "s$": "SGD",
	"nt$": "TWD", "rd$": "DOP", "$u": "UYU", "€": "EUR", "£": pounds, "₹": "INR", "¥": "JPY CNY", "₩": "KRW",
	"₺": "TRY", "₽": "RUB", "₦": "NGN", "₱": "PHP", "฿": "THB", "₫": "VND", "₪": "ILS", "₴": "UAH", "₲": "PYG",
	"₡": "CRC", "₵": "GHS", "₸": "KZT", "৳": "BDT", "s/": "PEN", "s/.": "PEN", "bs": "BOB VES", "bs.": "BOB VES",
	"rs": rupees, "rs.": rupees, "rp": "IDR", "rp.": "IDR", "rm": "MYR", "gs": "PYG", "gs.": "PYG", "kr": crowns,
	"zł": "PLN", "kč": "CZK", "ft": "HUF", "tl": "TRY", "元": "CNY TWD", "円": "JPY", "원": "KRW",
}

// currencyWords stand after the amount only.
var currencyWords = map[string]string{
	"real": "BRL", "reais": "BRL", "peso": pesos, "pesos": pesos, "dolar": dollars, "dolares": dollars,
	"dollar": dollars, "dollars": dollars, "bucks": dollars, "euro": "EUR", "euros": "EUR", "libra": pounds,
	"libras": pounds, "pound": pounds, "pounds": pounds, "rupee": rupees, "rupees": rupees, "rupiah": "IDR",
	"sol": "PEN", "soles": "PEN", "guaranies": "PYG", "bolivianos": "BOB", "quetzales": "GTQ",
	"lempiras": "HNL", "colones": "CRC", "yen": "JPY", "yuan": "CNY", "lira": "TRY", "liras": "TRY", "dirhams": "AED MAD",
	"riyal": "SAR QAR", "riyals": "SAR QAR", "naira": "NGN", "rand": "ZAR", "ringgit": "MYR", "baht": "THB",
}

// lowerCodes are the ISO codes that people also write small. The others must be in capitals, since
// "all", "try" and "top" are words more often than currencies.
var lowerCodes = strings.Fields("brl usd eur gbp mxn ars clp cop pen uyu pyg inr idr chf cad aud jpy cny myr php vnd ngn zar aed sar")

// multipliers after a number mean that it is not the amount: "2 mil", "1jt", "50k" are not guessed.
var multipliers = strings.Fields(`mil miles milhao milhoes millon millones mi bi k kk jt juta rb ribu ribuan mn mln mio
	million millions thousand lakh lakhs lac crore crores cr tsd bin milyon milliard mille hundred cem cien`)

// centWords mean that one amount was written in two numbers, "10 reais e 50 centavos". Neither is it.
var centWords = strings.Fields("centavo centavos centimo centimos cent cents paise")

// notAmounts before a bare number say what else it is.
var notAmounts = strings.Fields(`pedido pedidos order orden ordem encomenda n no nr num numero number codigo codigos code
	cod protocolo cupom cupon nota nf nfe invoice fatura factura ref referencia cpf cnpj cep tel telefone telefono whatsapp`)

// codesOf returns the currencies that a mark may stand for, none if it is no mark.
func codesOf(mark string, after bool) []string {
	if len(mark) == 3 && (strings.ToUpper(mark) == mark || slices.Contains(lowerCodes, mark)) {
		if _, ok := capi.MinorDigits(mark); ok {
			return []string{strings.ToUpper(mark)}
		}
	}
	if codes, ok := signs[strings.ToLower(mark)]; ok {
		return strings.Fields(codes)
	}
	if after {
		return strings.Fields(currencyWords[folded(mark)])
	}
	return nil
}

// unknownMark is what a mark counts as that looks like money but names no currency we know: it fits
// no rule, so the amount is held.
var unknownMark = []string{"?"}

// markBefore finds the currency mark that ends where an amount begins. start is where the mark begins.
func markBefore(text string) (codes []string, start int) {
	trimmed := strings.TrimRight(text, " \u00a0\u202f")
	if len(text)-len(trimmed) > 6 {
		return nil, len(text)
	}
	at := len(trimmed)
	start = len(text)
	for range 5 {
		r, size := utf8.DecodeLastRuneInString(trimmed[:at])
		if size == 0 || unicode.IsSpace(r) || isDigit(r) {
			break
		}
		at -= size
		before, _ := utf8.DecodeLastRuneInString(trimmed[:at])
		glued := wordRune(before) && !isDigit(before)
		switch found := codesOf(trimmed[at:], false); {
		case len(found) == 0 || wordRune(r) && wordRune(before):
		case r == '$' && glued:
			codes, start = unknownMark, at
		default:
			codes, start = found, at
		}
	}
	return codes, start
}

// wordAfter is the word or sign that follows an amount, with its end counted from the amount's.
func wordAfter(text string) (word string, end int) {
	trimmed := strings.TrimLeft(text, " \u00a0\u202f")
	space := len(text) - len(trimmed)
	if space > 4 {
		return "", 0
	}
	stop := strings.IndexFunc(trimmed, func(r rune) bool { return !wordRune(r) && !unicode.Is(unicode.Sc, r) || isDigit(r) })
	if stop < 0 {
		stop = len(trimmed)
	}
	return trimmed[:stop], space + stop
}
