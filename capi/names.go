package capi

import (
	"fmt"
	"slices"
	"strings"
)

// Event names that Meta takes for business messaging. Any other name is refused with code 100,
// subcode 2804066.
var (
	// proven names were seen accepted by live probes or belong to the first five.
	proven = []string{
		"LeadSubmitted", "Purchase", "AddToCart", "InitiateCheckout", "ViewContent",
		"QualifiedLead", "OrderCreated", "OrderShipped", "OrderDelivered", "OrderCanceled", "OrderReturned",
	}
	// documented names stand on Meta's page, but nobody is known to have sent one.
	documented = []string{"CartAbandoned", "RatingProvided", "ReviewProvided"}
	// pixelNames are what people know from the website pixel, with what Meta calls it here.
	pixelNames = map[string]string{
		"lead": "LeadSubmitted", "contact": "LeadSubmitted", "completeregistration": "LeadSubmitted",
		"submitapplication": "LeadSubmitted", "schedule": "LeadSubmitted", "checkout": "InitiateCheckout",
		"buy": "Purchase", "order": "OrderCreated", "subscribe": "Purchase", "ordercancelled": "OrderCanceled",
	}
)

// EventNames returns every name that CheckEventName accepts.
func EventNames() []string { return slices.Concat(proven, documented) }

// CheckEventName tells whether Meta takes the name for WhatsApp. A warning is for names that are
// documented but unproven; the error names the closest accepted name.
func CheckEventName(name string) (warning string, err error) {
	if slices.Contains(proven, name) {
		return "", nil
	}
	if slices.Contains(documented, name) {
		return fmt.Sprintf("Meta documents %q, but no one is known to have sent it; watch its first events", name), nil
	}
	hint := pixelNames[strings.ToLower(name)]
	for _, known := range EventNames() {
		if strings.EqualFold(known, strings.ReplaceAll(name, "_", "")) {
			hint = known
		}
	}
	if hint == "" {
		return "", fmt.Errorf("Meta refuses %q for WhatsApp (2804066); it takes %s", name, strings.Join(EventNames(), ", "))
	}
	return "", fmt.Errorf("Meta refuses %q for WhatsApp (2804066); did you mean %q?", name, hint)
}
