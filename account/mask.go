package account

import "strings"

// MaskPhone keeps the first four digits (country and area, enough to recognise) and the last two:
// "5511987650001" becomes "5511*******01". Short or empty values are hidden whole.
func MaskPhone(phone string) string {
	const head, tail = 4, 2
	if len(phone) <= head+tail+2 {
		return strings.Repeat("*", len(phone))
	}
	return phone[:head] + strings.Repeat("*", len(phone)-head-tail) + phone[len(phone)-tail:]
}
