package webhook

import (
	"fmt"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/whatsapp"
)

// Recall reads the bytes of an arrival that was stored, so that it can be planned once more: what was
// decoded of it when it came in is put into it again. The error says that the bytes cannot be read.
func (p *Planner) Recall(a *attribution.Arrival) error {
	if a.Source != attribution.Customer && a.Source != attribution.Echo {
		_, err := p.hear(a.Source, a.Body, nil)
		return err
	}
	m, err := whatsapp.DecodeMessage(a.Body)
	if err != nil {
		return fmt.Errorf("%w: %w", errPlan, err)
	}
	a.Said = &m
	if a.Source == attribution.Customer {
		tellOfPerson(a, m)
	}
	return nil
}
