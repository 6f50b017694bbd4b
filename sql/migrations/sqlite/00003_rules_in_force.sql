-- What a node has in force for an account, and what is wrong with the files that are not.

-- +goose Up
ALTER TABLE nodes ADD COLUMN rules BIGINT NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN problem TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE nodes DROP COLUMN problem;
ALTER TABLE nodes DROP COLUMN rules;
