package webhook

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/rules"
)

func TestCallbackDataNamesATemplate(t *testing.T) {
	for callback, want := range map[string]*rules.Template{
		"tpl:receipt;p2=1299.00":      {Name: "receipt", Parameters: map[string]string{"2": "1299.00"}},
		"tpl:receipt":                 {Name: "receipt", Parameters: map[string]string{}},
		"tpl:r;total=R$ 5,00;p=x;;p1": {Name: "r", Parameters: map[string]string{"total": "R$ 5,00", "p": "x"}},
		"tpl:r;p10=a=b":               {Name: "r", Parameters: map[string]string{"10": "a=b"}},
		"tpl:":                        nil,
		"order-4711":                  nil,
		"":                            nil,
	} {
		got, ok := parseTemplate(callback)
		if !ok {
			got = rules.Template{}
		}
		if want == nil {
			want = &rules.Template{}
		}
		if diff := cmp.Diff(*want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", callback, diff)
		}
	}
}

// Callback data is the sender's: whatever it holds, what is read of it stands in it.
func FuzzCallbackData(f *testing.F) {
	f.Add("tpl:receipt;p2=1299.00;total=5")
	f.Add("tpl:;;=;p=;p0=")
	f.Fuzz(func(t *testing.T, callback string) {
		template, ok := parseTemplate(callback)
		if ok != (template.Name != "") {
			t.Errorf("%q: %v %q", callback, ok, template.Name)
		}
		for name, value := range template.Parameters {
			if name == "" || !strings.Contains(callback, name+"="+value) {
				t.Errorf("%q: parameter %q = %q", callback, name, value)
			}
		}
	})
}

// A report that was stored is read as it was made.
func FuzzReport(f *testing.F) {
	f.Add("wamid.1", "oi", "recibo", "1", "5,00")
	f.Fuzz(func(t *testing.T, id, text, name, parameter, value string) {
		body, err := json.Marshal(Sent{ID: id, Text: text, Template: &SentTemplate{Name: name, Parameters: map[string]string{parameter: value}}})
		if err != nil {
			t.Fatal(err)
		}
		p := &Planner{Key: func(string) [16]byte { return [16]byte{1} }}
		h, err := p.hear(attribution.Report, body, nil)
		if err != nil || !h.facts.Ours || h.facts.Template.Status != "sent" {
			t.Fatalf("%+v %v", h, err)
		}
		if utf8.ValidString(text) && utf8.ValidString(name) && (h.facts.Text != text || h.facts.Template.Name != name) {
			t.Errorf("%+v", h.facts)
		}
	})
}

// Stored bytes of every kind are read without a panic, whatever they are.
func FuzzHear(f *testing.F) {
	f.Add([]byte(`{"id":"wamid.1","status":"read","biz_opaque_callback_data":"tpl:x;p1=2"}`))
	f.Add([]byte(`{"id":"wamid.1","event_name":"Purchase","custom_data":{"currency":"BRL","value":25000}}`))
	f.Add([]byte(`{"id":"wamid.1","to":"1","type":"text","text":{"body":"oi"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p := &Planner{Key: func(string) [16]byte { return [16]byte{1} }}
		for _, source := range []attribution.Source{attribution.Customer, attribution.Echo, attribution.Status, attribution.Report, attribution.Detected} {
			h, err := p.hear(source, body, nil)
			if err == nil && h.facts.Ours != (source != attribution.Customer && source != attribution.Detected) {
				t.Errorf("%q: ours %v", source, h.facts.Ours)
			}
		}
	})
}
