package whatsapp

import (
	"errors"
	"strings"
)

// ErrNoNumber says that a text is no phone number with its country code.
var ErrNoNumber = errors.New("not a phone number with its country code, such as +55 11 98765 0001")

// IDs lists the ids that the owner of a phone number may have on WhatsApp, digits alone. WhatsApp writes some
// countries' numbers in an older form: without the ninth digit in Brazil, with a 1 after 52 in
// Mexico, with a 9 after 54 in Argentina. Which one it uses cannot be told from the number.
func IDs(phone string) ([]string, error) {
	digits := strings.TrimPrefix(strings.Map(keepDigits, phone), "00")
	if strings.ContainsFunc(phone, notInNumbers) || len(digits) < 8 || len(digits) > 15 || digits[0] == '0' {
		return nil, ErrNoNumber
	}
	for _, c := range []struct {
		country, extra string
		area           int // digits between the country and the extra one
		rest           int // digits after it
	}{
		{"55", "9", 2, 8}, {"52", "1", 0, 10}, {"54", "9", 0, 10},
	} {
		subscriber, ok := strings.CutPrefix(digits, c.country)
		if !ok {
			continue
		}
		switch {
		case len(subscriber) == c.area+c.rest:
			return []string{digits, c.country + subscriber[:c.area] + c.extra + subscriber[c.area:]}, nil
		case len(subscriber) == c.area+1+c.rest && subscriber[c.area:c.area+1] == c.extra:
			return []string{digits, c.country + subscriber[:c.area] + subscriber[c.area+1:]}, nil
		}
	}
	return []string{digits}, nil
}

func keepDigits(r rune) rune {
	if r >= '0' && r <= '9' {
		return r
	}
	return -1
}

func notInNumbers(r rune) bool {
	return keepDigits(r) < 0 && !strings.ContainsRune("+ ()-./", r)
}
