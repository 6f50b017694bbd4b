package sandbox

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/clickthread/clickthread/whatsapp"
)

var shoppingTime = time.Date(2026, 9, 21, 12, 0, 0, 0, time.UTC)

func ana() *Shopper {
	return &Shopper{
		AppSecret:     "app-secret-1",
		WABA:          "300100200300400",
		PhoneNumberID: "700100200300400",
		WAID:          "5511987650001",
		UserID:        "BR.7001",
		Name:          "Ana Prado",
		Now:           func() time.Time { return shoppingTime },
	}
}

func TestShopperSaysWhatWasMeant(t *testing.T) {
	ad := Ad{ID: "1202", Headline: "Cadeiras", ClickID: "Afe_1-x"}
	tests := []struct {
		name string
		make func(s *Shopper) Notification
		want whatsapp.Message
	}{
		{
			"clicks an ad",
			func(s *Shopper) Notification { return s.Click(ad, "Olá 👋") },
			whatsapp.Message{Type: "text", Text: "Olá 👋", Referral: &whatsapp.Referral{
				SourceURL: "https://fb.me/1202", SourceID: "1202", SourceType: "ad",
				Headline: "Cadeiras", MediaType: "image", ClickID: "Afe_1-x",
			}},
		},
		{
			"clicks a post without click id",
			func(s *Shopper) Notification {
				return s.Click(Ad{ID: "p", SourceType: "post", URL: "https://fb.me/p?a=1&b=2"}, "oi")
			},
			whatsapp.Message{Type: "text", Text: "oi", Referral: &whatsapp.Referral{
				SourceURL: "https://fb.me/p?a=1&b=2", SourceID: "p", SourceType: "post", MediaType: "image",
			}},
		},
		{
			"says",
			func(s *Shopper) Notification { return s.Say(`50% <já> "a/b" \ fim`) },
			whatsapp.Message{Type: "text", Text: `50% <já> "a/b" \ fim`},
		},
		{
			"taps a button",
			func(s *Shopper) Notification { return s.TapButton("pay", "Pagar") },
			whatsapp.Message{Type: "interactive", Tap: &whatsapp.Tap{Kind: whatsapp.TapButton, ID: "pay", Title: "Pagar"}},
		},
		{
			"taps a row",
			func(s *Shopper) Notification { return s.TapList("row_1", "Centro") },
			whatsapp.Message{Type: "interactive", Tap: &whatsapp.Tap{Kind: whatsapp.TapList, ID: "row_1", Title: "Centro"}},
		},
		{
			"sends a cart",
			func(s *Shopper) Notification {
				return s.Cart("BRL", CartItem{RetailerID: "SKU-1", Quantity: 2, Price: "7.90"}, CartItem{RetailerID: "SKU-2", Price: "?"})
			},
			whatsapp.Message{Type: "order", Order: &whatsapp.Cart{CatalogID: "190000000000001", Items: []whatsapp.CartItem{
				{RetailerID: "SKU-1", Quantity: 2, Price: "7.90", Currency: "BRL"},
				{RetailerID: "SKU-2", Currency: "BRL"},
			}}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := tt.make(ana())
			tt.want.ID, tt.want.WAID, tt.want.UserID, tt.want.Timestamp = n.ID, "5511987650001", "BR.7001", shoppingTime
			want := []whatsapp.Entry{{WABA: "300100200300400", Changes: []whatsapp.Change{{
				Field: "messages", PhoneNumberID: "700100200300400", DisplayNumber: "5511900000001",
				Contacts: []whatsapp.Contact{{WAID: "5511987650001", UserID: "BR.7001", Name: "Ana Prado"}},
				Messages: []whatsapp.Message{tt.want},
			}}}}
			if diff := cmp.Diff(want, decodeNotification(t, n.Body).Entries, ignoreRaw); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
		})
	}
}

func TestShopperWithoutPhoneAtAnotherTime(t *testing.T) {
	s := ana()
	s.WAID = ""
	n := s.At(shoppingTime.Add(-time.Hour)).Say("oi")
	m := decodeNotification(t, n.Body).Entries[0].Changes[0].Messages[0]
	if m.WAID != "" || m.UserID != "BR.7001" || !m.Timestamp.Equal(shoppingTime.Add(-time.Hour)) {
		t.Errorf("message = %+v, want one of BR.7001 alone, an hour earlier", m)
	}
	if s.Now() != shoppingTime {
		t.Error("At changed the shopper it was called on")
	}
}

func TestBatchOfTwoShops(t *testing.T) {
	other := ana()
	other.WABA = "300100200300401"
	first, second := ana().Say("1"), other.Say("2")
	got := decodeNotification(t, Batch(first, second).Body).Entries
	if len(got) != 2 || got[0].Changes[0].Messages[0].ID != first.ID || got[1].WABA != other.WABA ||
		got[1].Changes[0].Messages[0].ID != second.ID || first.ID == second.ID {
		t.Errorf("entries = %+v, want both messages under their own accounts", got)
	}
}

func TestSendIsSigned(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !whatsapp.Verify(body, r.Header.Get("X-Hub-Signature-256"), "app-secret-1") {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer server.Close()
	s := ana()
	s.URL = server.URL
	if status, err := s.Send(t.Context(), s.Say("Olá")); err != nil || status != http.StatusOK {
		t.Errorf("Send = %d, %v, want 200", status, err)
	}
	s.AppSecret = "another"
	if status, err := s.Send(t.Context(), s.Say("Olá")); err != nil || status != http.StatusUnauthorized {
		t.Errorf("Send with another secret = %d, %v, want 401", status, err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := s.Send(stopped, s.Say("Olá")); err == nil {
		t.Error("Send under a cancelled context succeeded")
	}
}

var ignoreRaw = cmp.Options{
	cmpopts.IgnoreFields(whatsapp.Entry{}, "Raw"),
	cmpopts.IgnoreFields(whatsapp.Message{}, "Raw"),
}

func decodeNotification(t *testing.T, body []byte) whatsapp.Notification {
	t.Helper()
	n, err := whatsapp.Decode(body)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
