package rules

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// said reports whether a text holds a phrase.
func said(t testing.TB, source, text string) bool {
	t.Helper()
	p, err := newPhrase(source)
	if err != nil {
		t.Fatal(err)
	}
	l := newLexicon([]*phrase{p})
	return len(hear(text, maxText, &l).hits[p.key]) > 0
}

func TestWhatCountsAsSaid(t *testing.T) {
	for _, c := range []struct {
		phrase, text string
		want         bool
	}{
		{"quanto custa", "Oi! QUANTO CUSTA o vestido?", true},
		{"tem disponível", "tem disponivel?", true},
		{"tem disponivel", "tem dispon\u0069\u0301vel", true},
		{"quanto custa", "quanto   custa", true},
		{"quanto custa", "quanto\ncusta", true},
		{"quanto custa", "quanto 😍👩🏽‍💻 custa", true},
		{"quanto custa", "quanto1️⃣custa", true},
		{"quanto custa", "qu\u200banto c\u2060usta\ufe0f", true},
		{"quanto custa", "\u202equanto custa\u202c", true},
		{"quanto custa", "ｑｕａｎｔｏ　ｃｕｓｔａ", true},
		{"quanto custa", "quanto, custa", false},
		{"quanto custa", "quanto. Custa", false},
		{"quanto custa", "quanto-custa", false},
		{"quanto custa", "quantocusta", false},
		{"quanto custa", "quanto me custa", false},
		{"quanto custa", "custa quanto", false},
		{"valor", "desvalorizado", false},
		{"valor", "(valor)", true},
		{"valor", "o-valor", false},
		{"bem-vindo", "Bem-vindo!", true},
		{"bem-vindo", "bem vindo", false},
		{"10", "10,50", false},
		{"plano 2", "o plano 2.", true},
		{"how much?", "how much", false},
		{"how much?", "how much?", true},
		{"l'anello", "quanto costa l’anello", true},
		{"straße", "STRASSE", true},
		{"ΟΔΟΣ", "οδος", true},
		{"多少钱", "这个多少钱啊", true},
		{"paguei {money}", "paguei R$ 1.299,90.", true},
		{"paguei {money}", "paguei 50 reais", true},
		{"paguei {money} hoje", "paguei R$ 50 hoje", true},
		{"paguei {money}", "paguei: R$ 50", false},
		{"paguei {money}", "paguei dia 12", false},
		{"pedido {order_no}", "pedido #4512 chegou", true},
		{"pedido {order_no}", "pedido AB-4512", true},
		{"pedido {order_no}", "pedido errado", false},
		{"meu email é {email}", "Meu e-mail é ana@example.com", false},
		{"meu email é {email}", "Meu email é ana.b@example.com.br!", true},
		{"{email}", "ana@example.com", true},
		{"{number} unidades", "quero 12 unidades", true},
		{"{money} no pix", "mandei R$ 50,00 no pix", true},
		{"dia {date}", "dia 12/05/2026", true},
		{"dia {date}", "dia 1200", false},
	} {
		if got := said(t, c.phrase, c.text); got != c.want {
			t.Errorf("%q in %q: got %v, want %v", c.phrase, c.text, got, c.want)
		}
	}
}

func TestLongTextsAreCut(t *testing.T) {
	filler := strings.Repeat("é ", maxText/3)
	if !said(t, "valor", "valor "+filler) {
		t.Error("a phrase at the beginning is heard")
	}
	if said(t, "valor", filler+filler+"valor") {
		t.Error("a phrase after 64 KiB is not heard")
	}
}

// Noise that a reader does not see, or does not mind, never changes a match.
func TestNoiseNeverChangesAMatch(t *testing.T) {
	noise := map[rune][]string{
		'a': {"a", "A", "á", "Ã", "a\u0301", "ａ", "a\u200d"},
		'e': {"e", "E", "ê", "É", "\ufeffe"},
		'o': {"o", "Ó", "õ", "\u200eo"},
		' ': {" ", "  ", " 😀 ", "\u00a0", "\n", " 👍🏽", "❤️ "},
	}
	rapid.Check(t, func(t *rapid.T) {
		base := rapid.SampledFrom([]string{"quanto custa", "quanto  e o frete", "paga quanto custa agora", "quanto", "custa quanto"}).Draw(t, "base")
		var noisy strings.Builder
		for _, r := range base {
			choices := noise[r]
			if choices == nil {
				choices = []string{string(r)}
			}
			noisy.WriteString(rapid.SampledFrom(choices).Draw(t, "as"))
		}
		quiet, loud := hear(base, maxText, nil), hear(noisy.String(), maxText, nil)
		if len(quiet.tokens) != len(loud.tokens) {
			t.Fatalf("%q has other words than %q: %v", noisy.String(), base, loud.tokens)
		}
		for i := range quiet.tokens {
			if quiet.tokens[i].text != loud.tokens[i].text {
				t.Fatalf("%q reads %q", noisy.String(), loud.tokens[i].text)
			}
		}
	})
}

// A glob without stars is equality, and a text fits the glob made by replacing any part of it by *.
func TestGlobFitsWhatItWasMadeFrom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-c]{0,8}`).Draw(t, "text")
		from := rapid.IntRange(0, len(text)).Draw(t, "from")
		to := rapid.IntRange(from, len(text)).Draw(t, "to")
		if pattern := text[:from] + "*" + text[to:]; !glob(pattern, text) || !glob("*"+pattern+"*", text) {
			t.Fatalf("%q does not fit %q", text, pattern)
		}
		if glob(text, text+"d") || !glob(text, text) {
			t.Fatalf("%q is not only itself", text)
		}
	})
}

func FuzzPhrase(f *testing.F) {
	for _, seed := range [][2]string{
		{"quanto custa", "Quanto CUSTA?"},
		{"paguei {money} {date}", "paguei R$ 1.299,90 12/05"},
		{"{email}{order_no}", "a@b.co #1"},
		{"{", "}"},
		{"1️⃣\u20e3", "\u20e3é\u20e3"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, source, text string) {
		p, err := newPhrase(source)
		if err != nil {
			return
		}
		l := newLexicon([]*phrase{p})
		h := hear(text, maxText, &l)
		for _, s := range h.hits[p.key] {
			if s.from < 0 || s.from >= s.to || s.to > len(h.tokens) {
				t.Fatalf("%q in %q at %d-%d of %d", source, text, s.from, s.to, len(h.tokens))
			}
		}
		if !strings.ContainsRune(source, '{') && len(text) == 0 && len(h.hits) > 0 {
			t.Fatalf("%q found in nothing", source)
		}
	})
}
