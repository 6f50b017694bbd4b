package whatsapp

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The phone lies: WhatsApp's id of a number is not always the number that is dialled.
func TestIDs(t *testing.T) {
	for phone, want := range map[string][]string{
		"+55 11 98765-0001":  {"5511987650001", "551187650001"},
		"551187650001":       {"551187650001", "5511987650001"},
		"+52 1 55 1234 5678": {"5215512345678", "525512345678"},
		"525512345678":       {"525512345678", "5215512345678"},
		"+54 9 11 2345-6789": {"5491123456789", "541123456789"},
		"0034 600 111 222":   {"34600111222"},
		"+1 (650) 555-1212":  {"16505551212"},
	} {
		got, err := IDs(phone)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s (-want +got) %v:\n%s", phone, err, diff)
		}
	}
	for _, phone := range []string{"", "ana", "US.1349", "0600111222", "12345", "1234567890123456", "+55 11 98765-0001x"} {
		if got, err := IDs(phone); err == nil {
			t.Errorf("%q is read as %v", phone, got)
		}
	}
}

func FuzzIDs(f *testing.F) {
	f.Add("+55 11 98765-0001")
	f.Add("52")
	f.Fuzz(func(t *testing.T, phone string) {
		ids, err := IDs(phone)
		for _, id := range ids {
			back, err := IDs(id)
			if err != nil || len(back) != len(ids) {
				t.Errorf("%q gives %v, and %s gives %v %v", phone, ids, id, back, err)
			}
		}
		if (err == nil) != (len(ids) > 0) {
			t.Errorf("%q: %v %v", phone, ids, err)
		}
	})
}
