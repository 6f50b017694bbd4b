-- What is held or rejected is read page by page where a person mends it.

-- +goose Up
DROP INDEX deliveries_held;
CREATE INDEX deliveries_held ON deliveries (account_id, reason, id) WHERE status = 'held';
DROP INDEX deliveries_rejected;
CREATE INDEX deliveries_rejected ON deliveries (account_id, id) WHERE status = 'rejected';

-- +goose Down
DROP INDEX deliveries_rejected;
CREATE INDEX deliveries_rejected ON deliveries (account_id) WHERE status = 'rejected';
DROP INDEX deliveries_held;
CREATE INDEX deliveries_held ON deliveries (account_id, reason) WHERE status = 'held';
