-- +goose Up
-- The last evaluations of each rule, a few of each: what became of a trigger that fitted (ledger 16).
CREATE TABLE rule_evaluations (
    account_id TEXT   NOT NULL,
    rule       TEXT   NOT NULL,
    decided_at BIGINT NOT NULL,
    trigger_id BLOB   NOT NULL,
    event_name TEXT   NOT NULL,
    sent_at    BIGINT NOT NULL,
    outcome    TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    why        TEXT   NOT NULL,
    PRIMARY KEY (account_id, rule, decided_at, trigger_id)
) WITHOUT ROWID;
CREATE INDEX rule_evaluations_age ON rule_evaluations (decided_at);

-- +goose Down
DROP TABLE rule_evaluations;
