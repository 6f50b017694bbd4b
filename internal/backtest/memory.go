package backtest

import (
	"context"
	"sync"

	"github.com/clickthread/clickthread/forwarder"
)

// memory answers both replays what is in the way of single deliveries, asking the past once: most of what
// one replay comes to, the other comes to as well.
type memory struct {
	past Past

	mu      sync.Mutex
	answers map[meeting][]forwarder.Delivery
}

// meeting is by what two deliveries may be in each other's way; what is empty is not.
type meeting struct {
	claim string
	event eventID
}

func (m *memory) inTheWay(ctx context.Context, by meeting) ([]forwarder.Delivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if standing, known := m.answers[by]; known {
		return standing, nil
	}
	wanted := forwarder.Delivery{Claim: by.claim, EventName: by.event.name, EventID: by.event.id}
	standing, err := m.past.InTheWay(ctx, []forwarder.Delivery{wanted})
	if err == nil {
		m.answers[by] = standing
	}
	return standing, err
}
