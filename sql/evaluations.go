package sql

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/clickthread/clickthread/attribution"
	"github.com/clickthread/clickthread/reason"
)

type evaluationRow struct {
	bun.BaseModel `bun:"table:rule_evaluations"`

	AccountID string
	Rule      string
	DecidedAt int64
	TriggerID []byte
	EventName string
	SentAt    int64
	Outcome   string
	Reason    string
	Why       string
}

func evaluationRowOf(e attribution.Evaluation) evaluationRow {
	return evaluationRow{
		AccountID: e.Account, Rule: e.Rule, DecidedAt: micros(e.Decided), TriggerID: e.Trigger[:], EventName: e.Event,
		SentAt: micros(e.At), Outcome: e.Outcome, Reason: string(e.Reason), Why: e.Why,
	}
}

func (r evaluationRow) evaluation() attribution.Evaluation {
	return attribution.Evaluation{
		Account: r.AccountID, Rule: r.Rule, Event: r.EventName, Trigger: asUUID(r.TriggerID), At: fromMicros(r.SentAt),
		Decided: fromMicros(r.DecidedAt), Outcome: r.Outcome, Reason: reason.Code(r.Reason), Why: r.Why,
	}
}

// evaluationBatch is how many evaluations one transaction keeps: webhooks want the writer too.
const evaluationBatch = 200

// KeepEvaluations adds to the last evaluations of rules, and lets the oldest of those rules go. Several
// nodes add to the same ones.
func (s *Store) KeepEvaluations(ctx context.Context, list []attribution.Evaluation) error {
	rows := make([]evaluationRow, len(list))
	for i, e := range list {
		rows[i] = evaluationRowOf(e)
	}
	slices.SortFunc(rows, func(a, b evaluationRow) int { // two nodes in any other order could deadlock
		return cmp.Or(cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.DecidedAt, b.DecidedAt),
			bytes.Compare(a.TriggerID, b.TriggerID))
	})
	for begin := time.Now(); len(rows) > 0; begin = time.Now() {
		chunk := rows[:min(len(rows), evaluationBatch)]
		rows = rows[len(chunk):]
		err := s.inTx(ctx, func(ctx context.Context, tx bun.Tx) error {
			if err := insert(ctx, tx, chunk, orLeave); err != nil {
				return err
			}
			return trimEvaluations(ctx, tx, chunk)
		})
		if err == nil && len(rows) > 0 {
			err = rest(ctx, pruneRest*time.Since(begin))
		}
		if err != nil {
			return fmt.Errorf("keep evaluations: %w", err)
		}
	}
	return nil
}

// trimEvaluations deletes all but the newest of the rules that some rows are of.
func trimEvaluations(ctx context.Context, tx bun.Tx, rows []evaluationRow) error {
	var rules [][]any
	for i, r := range rows { // sorted
		if i == 0 || r.AccountID != rows[i-1].AccountID || r.Rule != rows[i-1].Rule {
			rules = append(rules, []any{r.AccountID, r.Rule})
		}
	}
	_, err := tx.NewRaw(`
DELETE FROM rule_evaluations WHERE (account_id, rule, decided_at, trigger_id) IN (
    SELECT account_id, rule, decided_at, trigger_id FROM (
        SELECT account_id, rule, decided_at, trigger_id,
            row_number() OVER (PARTITION BY account_id, rule ORDER BY decided_at DESC, trigger_id DESC) AS place
        FROM rule_evaluations WHERE (account_id, rule) IN (?)) e
    WHERE place > ?)`, among("text,text", rules), attribution.MaxEvaluations).Exec(ctx)
	return err
}

// Evaluations are the last evaluations of a rule, the newest first.
func (s *Store) Evaluations(ctx context.Context, accountID, rule string) ([]attribution.Evaluation, error) {
	return s.evaluations(ctx, "account_id = ? AND rule = ?", accountID, rule)
}

// EvaluationsOf are the evaluations of one message that are among the last of their rules, the newest first.
func (s *Store) EvaluationsOf(ctx context.Context, accountID string, trigger uuid.UUID) ([]attribution.Evaluation, error) {
	return s.evaluations(ctx, "account_id = ? AND trigger_id = ?", accountID, trigger[:])
}

func (s *Store) evaluations(ctx context.Context, where string, args ...any) ([]attribution.Evaluation, error) {
	var rows []evaluationRow
	err := s.read.NewSelect().Model(&rows).Where(where, args...).Order("decided_at DESC", "trigger_id DESC", "rule").Limit(1000).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read evaluations: %w", err)
	}
	list := make([]attribution.Evaluation, len(rows))
	for i, r := range rows {
		list[i] = r.evaluation()
	}
	return list, nil
}
