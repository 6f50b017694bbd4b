-- Nobody asks when somebody wrote last, and to keep it each message rewrote a page.

-- +goose Up
ALTER TABLE conversations DROP COLUMN last_at;

-- +goose Down
ALTER TABLE conversations ADD COLUMN last_at BIGINT NOT NULL DEFAULT 0;
