package sql

import (
	"context"
	"fmt"
	"time"
)

// TakeJob asks whether it is this node's turn to run a job that is due once in every period. It is not
// while another node runs it, nor when one ended it less than half a period ago: the nodes' clocks
// start the same pass at slightly different times. The lease lasts one period, so the jobs of a node
// that died go on after that. It is compared with the database's clock.
func (s *Store) TakeJob(ctx context.Context, name, node string, period time.Duration) (bool, error) {
	now := s.dbNow()
	res, err := s.write.NewRaw(`
INSERT INTO jobs (name, holder, lease_until, ended_at) VALUES (?, ?, `+now+` + ?, 0)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, lease_until = excluded.lease_until
WHERE jobs.lease_until < `+now+` AND jobs.ended_at < `+now+` - ?`,
		name, node, period.Microseconds(), period.Microseconds()/2).Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("take job %s: %w", name, err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// EndJob gives the job's lease back, if this node still has it.
func (s *Store) EndJob(ctx context.Context, name, node string) error {
	_, err := s.write.NewRaw("UPDATE jobs SET lease_until = 0, ended_at = "+s.dbNow()+" WHERE name = ? AND holder = ?", name, node).Exec(ctx)
	if err != nil {
		return fmt.Errorf("end job %s: %w", name, err)
	}
	return nil
}
