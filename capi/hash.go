package capi

import (
	"crypto/sha256"
	"encoding/hex"
	"net/mail"
	"regexp"
	"strings"
	"unicode"
)

// sha256Hex is a value that somebody has hashed already.
var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

// HashEmail hashes an e-mail address as Meta matches it: without spaces around it, in lower case,
// SHA-256 in hex (Meta, Conversions API: Customer information parameters). It is not ok for what is no
// address. What is a hash already stays as it is; so with the other two.
func HashEmail(email string) (hash string, ok bool) {
	return hashValue(email, func(v string) (string, bool) {
		address, err := mail.ParseAddress(v)
		_, domain, _ := strings.Cut(v, "@")
		return v, err == nil && address.Address == v && strings.Contains(domain, ".")
	})
}

// HashPhone hashes a phone number as Meta matches it: digits alone, with the country code and no zeros
// before it. The number is written +55 11 98765-0001, 0055 11 98765 0001, or like a WhatsApp id:
// 5511987650001. It is not ok where the country code is missing: a local number's hash is that of
// somebody else in another country.
func HashPhone(phone string) (hash string, ok bool) { return hashValue(phone, internationalDigits) }

// HashExternalID hashes our own id of a person, in lower case. It is not ok for an empty one.
func HashExternalID(id string) (hash string, ok bool) {
	return hashValue(id, func(v string) (string, bool) { return v, true })
}

func hashValue(value string, normalise func(string) (string, bool)) (string, bool) {
	value = strings.ToLower(strings.TrimSpace(value))
	if sha256Hex.MatchString(value) {
		return value, true
	}
	normal, ok := normalise(value)
	if !ok || normal == "" {
		return "", false
	}
	sum := sha256.Sum256([]byte(normal))
	return hex.EncodeToString(sum[:]), true
}

var (
	onlyDigits = regexp.MustCompile(`^[0-9]+$`)
	// e164 is a number with its country code, which never begins with 0 (ITU-T E.164). After a 1 comes
	// a North American number: that tells it from a local one of Sao Paulo, which begins with 11.
	e164 = regexp.MustCompile(`^(?:1[2-9][0-9]{2}[2-9][0-9]{6}|[2-9][0-9]{6,14})$`)
)

// internationalDigits are the digits of a number that says its country code.
func internationalDigits(phone string) (string, bool) {
	bare := onlyDigits.MatchString(phone) // no sign that it was written for people, who leave the country out
	digits := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("-().", r) {
			return -1
		}
		return r
	}, strings.ReplaceAll(phone, "(0)", "")) // +44 (0)20: the zero is dialled inside the country only
	digits, plus := strings.CutPrefix(digits, "+")
	digits, zeros := strings.CutPrefix(digits, "00")
	return digits, (bare || plus || zeros) && e164.MatchString(digits)
}
